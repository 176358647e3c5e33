"""Thirty solutions of each start, with the same search after it: the network in 1 to 10 calls, the relaxation, others.

    python benchmarks/samples.py [--families set-cover,auction,facility,independent-set] [--size paper]
        [--instances 10] [--first 2000000] [--count 30] [--calls 1,2,3,5,10] [--seed 0] [--out runs/samples.jsonl]

Every start has patience 300 and 2,000 search steps, whatever a checkpoint has as default, and the moves of tier 1-opt
after. The first judgement is of what a start makes (tier guided, greedy's solutions, the end of jumps), the second is
of the same solutions after those moves. Seconds are wall-clock from the program in memory to verified solutions at
tier 1-opt, the linear relaxation included, on one thread; what is compiled is compiled before. Each start on each
instance is kept in the journal as soon as it is done, so the same command goes on where it stopped.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

import becalm
from becalm.device import pick
from becalm.files import journal
from becalm.model import Model
from becalm_programs.families import generate
from becalm_programs.opening import bare
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.standard_form import LP_VALUE, StandardForm
from becalm_programs.problem.verify import verify
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample, with_defaults
from becalm_programs.sampling.outcome import hamming
from becalm_programs.sampling.tiers import finish
from becalm_programs.search.feasible import FeasibleSearch
from becalm_programs.search.greedy import greedy, with_continuous
from becalm_programs.search.moves.local import local
from becalm_programs.search.structure.columns import Columns

FAMILIES = ("set-cover", "auction", "facility", "independent-set")
CALLS = (1, 2, 3, 5, 10)
PATIENCE, SEARCH_STEPS, JUMPS = 300, 2000, 20_000
PLAIN = ("randomised greedy", "feasibility jump")
Made = tuple[Array, Array]
"""Solutions (K, n) as a start makes them, and after the moves."""


@dataclass
class Cell:
    """One start on one instance.

    Attributes:
        start: ``network 5``, ``relaxation 5``, or one of ``PLAIN``; the number is of calls.
        values: Objectives of the feasible ones, as the start makes them. moved: The same after the moves.
        distinct: Different ones among the latter. hamming: Mean number of variables in which two of them differ.
    """

    family: str
    size: str
    instance: int
    start: str
    count: int
    seed: int
    maximise: bool
    values: list[float]
    moved: list[float]
    distinct: int
    hamming: float | None
    seconds: float

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.family, self.size, self.instance, self.start, self.count, self.seed)


def sampled(model: Model[Any], steps: int) -> Callable[[Program, int, int], Made]:
    """Samples of a model in so many steps."""

    def make(program: Program, count: int, seed: int) -> Made:
        form = StandardForm.of(program)
        asked = {"patience": PATIENCE, "search_steps": SEARCH_STEPS, "steps": steps}
        outcome = sample(model, form, ProgramRequest(count=count, seed=seed, tier="guided", **asked))
        return outcome.x, finish(form, outcome.marginals, "1-opt")

    return make


def greedily(program: Program, count: int, seed: int) -> Made:
    """Randomised greedy."""
    columns = Columns.of(program)
    x = greedy(columns, count, generator=np.random.default_rng(seed))
    return x, local(columns, x)


def jumped(program: Program, count: int, seed: int) -> Made:
    """Feasibility jump from points drawn by the relaxation, as the start ``jump`` of a search has it."""
    form, jumper, random = StandardForm.of(program), FeasibleSearch(program).jumper, np.random.default_rng(seed)
    chance = np.clip(form.features[:, LP_VALUE].double().numpy(), 0.0, 1.0)
    found = []
    for _ in range(count):
        x = form.encoding.decode((random.random((1, len(chance))) < chance).astype(np.float64))[0]
        walked = jumper.walk(x, random.random(len(x)), int(random.integers(2**31)), JUMPS)
        whole = None if walked is None else with_continuous(program, walked)
        found += [] if whole is None else [whole]
    x = np.array(found).reshape(-1, len(program.cost))
    return x, local(Columns.of(program), x)


def starts(family: str, calls: Sequence[int]) -> dict[str, Callable[[Program, int, int], Made]]:
    """All starts by name, the network's with the numbers of calls."""
    network, none = becalm.load(family, "cpu"), bare(pick("cpu"))
    models = {"network": network, "relaxation": none}
    made = {f"{name} {steps}": sampled(models[name], steps) for name, steps in product(models, calls)}
    return {**made, PLAIN[0]: greedily, PLAIN[1]: jumped}


def own_calls(family: str) -> int:
    """Of the bundled network, where nothing is said."""
    return with_defaults(becalm.load(family, "cpu"), ProgramRequest()).steps


def cell(family: str, size: str, instance: int, start: str, make: Any, count: int, seed: int) -> Cell:
    """Does one."""
    program = generate(family, size, instance)
    begun = time.perf_counter()
    x, moved = make(program, count, seed)
    after = verify(program, moved)
    seconds = time.perf_counter() - begun
    before, good = verify(program, x), moved[after.feasible]
    return Cell(
        *(family, size, instance, start, count, seed, program.maximise),
        values=before.objective[before.feasible].tolist(),
        moved=after.objective[after.feasible].tolist(),
        distinct=len(np.unique(good, axis=0)) if len(good) else 0,
        hamming=hamming(good),
        seconds=seconds,
    )


def cells(
    path: Path,
    families: Sequence[str],
    size: str,
    instances: Sequence[int],
    count: int = 30,
    calls: Sequence[int] = CALLS,
    seed: int = 0,
) -> Iterator[Cell]:
    """All that is asked for, from the journal or made now."""
    done = {one.key: one for one in (Cell(**record) for record in journal.read(path))}
    journal.write(path, map(asdict, done.values()))  # Without a last line that was cut short.
    for family in families:
        makers, warm = starts(family, calls), set[str]()
        for instance, (name, make) in product(instances, makers.items()):
            known = done.get((family, size, instance, name, count, seed))
            if known is None:
                if name not in warm:
                    make(generate(family, "small", 0), 2, seed)
                    warm.add(name)
                known = cell(family, size, instance, name, make, count, seed)
                journal.append(path, [asdict(known)])
                print(f"{family} {instance}, {name}: {known.seconds:.2f} s", flush=True)
            yield known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--size", default="paper")
    parser.add_argument("--instances", type=int, default=10)
    parser.add_argument("--first", type=int, default=2_000_000, help="seed of the first instance")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--calls", default=",".join(map(str, CALLS)))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/samples.jsonl"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    numbers = range(chosen.first, chosen.first + chosen.instances)
    calls = tuple(map(int, chosen.calls.split(",")))
    made = list(cells(chosen.out, chosen.families.split(","), chosen.size, numbers, chosen.count, calls, chosen.seed))
    columns = ("family", "start", "found", "mean", "best", "best moved", "different", "seconds")
    print("".join(word.rjust(18) for word in columns))
    for family, start in dict.fromkeys((one.family, one.start) for one in made):
        own = [one for one in made if (one.family, one.start) == (family, start)]
        print("".join(word.rjust(18) for word in (family, start, *means(own))))


def means(own: Sequence[Cell]) -> list[str]:
    """Of a start over instances; objectives are of different programs, so only starts can be compared."""
    least = max if own[0].maximise else min
    rows = [
        (
            *(100 * len(one.values) / one.count, np.mean(one.values), least(one.values), least(one.moved)),
            *(one.distinct, one.seconds),
        )
        for one in own
        if one.values and one.moved
    ]
    return [f"{value:.2f}" for value in np.mean(rows, axis=0)] if rows else []


if __name__ == "__main__":
    main()
