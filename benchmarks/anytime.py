"""Searches for a time beside solvers: the best gap, different solutions near the best and the primal integral.

    python benchmarks/anytime.py [--families set-cover,auction,facility,independent-set] [--size paper]
        [--instances 3] [--first 2000000] [--seeds 1] [--seconds 10] [--methods pool,greedy,highs] [--clock wall]
        [--out runs/anytime.jsonl]

``pool`` is what ``becalm programs sample --seconds`` does by default, ``with-network`` and ``no-network`` the same with
a network, worth its time or not, and without; starts are those of ``--start``, alone (those that need solutions
together with greedy); the rest are solvers, all on one thread. Each run is kept in the journal as soon as it is done,
so the same command goes on where it stopped; one with more instances, seeds or methods adds to it.

Time begins with the program in memory: preparing, the relaxation and verification count. What is compiled or imported
is so before. All solutions are verified and different in integers; of CBC only the incumbents are known. The primal
gap is |value - best| / |best| to the best that any run in the journal has found, 1 before the first solution; its
integral over time (Berthold 2013) is in seconds. By ``--clock processor`` a busy machine gives nearly the figures of a
quiet one; CBC, which runs in a process of its own, is left out then.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rivals import RIVALS, on_integers, rivals

from becalm.files import journal
from becalm_programs.anytime.open import open_search
from becalm_programs.evaluation.judge import gap
from becalm_programs.families import generate
from becalm_programs.options import SampleOptions
from becalm_programs.problem.program import Array, Program, in_original_sense
from becalm_programs.sampling.choose import fitting
from becalm_programs.sampling.outcome import hamming
from becalm_programs.search.solution_pool import SolutionPool
from becalm_programs.solvers import solve
from becalm_programs.start import BY_NETWORK, FROM_SOLUTIONS, STARTS

MOMENTS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds at which is looked."""
NEAR, FAR = 0.01, 0.05
"""Solutions are counted that are so near to the best known."""
PATIENCE = 30
"""Of all starts that sample, whatever a checkpoint has as default."""
CHOSEN = 100
"""Solutions near the best whose distance is measured, or as many as there are."""
WHOLE = ("pool", "with-network", "no-network")
"""All starts in turns."""
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.process_time}


@dataclass
class Run:
    """One method on one instance.

    Attributes:
        incumbents: (seconds, objective) as they came. values: At each moment, objectives of different solutions.
        hamming: Mean number of variables in which two of those chosen near the best differ.
    """

    family: str
    size: str
    instance: int
    method: str
    seed: int
    seconds: float
    clock: str
    maximise: bool = False
    incumbents: list[tuple[float, float]] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)
    hamming: float | None = None
    note: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.family, self.size, self.instance, self.method, self.seed, self.seconds, self.clock)


class Watch:
    """Writes down what a method has found, at each moment that passes."""

    def __init__(self, run: Run, program: Program) -> None:
        self._run, self._program = run, program
        self._left = sorted({*(moment for moment in MOMENTS if moment <= run.seconds), run.seconds})
        self._last: list[float] = []

    def see(self, seconds: float, values: Array) -> None:
        """``cost . x`` (P,) of what is there after so many seconds, the least first."""
        while self._left and self._left[0] < seconds:
            self._run.values[str(self._left.pop(0))] = self._last
        self._last = np.asarray(in_original_sense(self._program, values)).tolist()
        if self._last and (not self._run.incumbents or self._run.incumbents[-1][1] != self._last[0]):
            self._run.incumbents.append((seconds, self._last[0]))

    def end(self) -> None:
        """What was there last stays."""
        self._run.values |= {str(moment): self._last for moment in self._left}


def search(program: Program, run: Run, clock: Callable[[], float]) -> None:
    """A search of becalm's."""
    begun, watch = clock(), Watch(run, program)
    fits = fitting(program)[0]
    checkpoint = {"pool": None, "with-network": fits}.get(run.method, fits if run.method in BY_NETWORK else "none")
    start = None if run.method in WHOLE else (run.method,)
    if start is not None and set(start) <= FROM_SOLUTIONS:
        start = ("greedy", *start)
    fields = {"seconds": run.seconds, "within": FAR, "start": start, "seed": run.seed, "checkpoint": checkpoint}
    fields["patience"] = PATIENCE
    found = open_search(program, SampleOptions.model_validate({"device": "cpu", **fields}), clock=clock)
    ready = clock() - begun
    for moment in found.run():
        watch.see(ready + moment.seconds, found.instance.pool.values)
    watch.end()
    run.hamming = distance(found.instance.pool)


def solver(program: Program, run: Run, clock: Callable[[], float]) -> None:
    """A solver that tells of its solutions."""
    begun, watch, pool = clock(), Watch(run, program), SolutionPool(program, FAR)

    def tell(x: Array) -> None:
        seconds = clock() - begun
        pool.add(x[None])
        watch.see(min(seconds, run.seconds), pool.values)

    RIVALS[run.method][1](program, run.seconds, on_integers(program, tell))
    watch.end()
    run.hamming = distance(pool)


def cbc(program: Program, run: Run, clock: Callable[[], float]) -> None:
    """CBC: its incumbents, as far as its log tells."""
    result, watch = solve(program, "cbc", seconds=run.seconds), Watch(run, program)
    sign = -1.0 if program.maximise else 1.0
    known: list[float] = []
    for seconds, value in result.trajectory:
        known.insert(0, sign * value - program.offset)
        watch.see(min(seconds, run.seconds), np.array(known))
    watch.end()


def distance(pool: SolutionPool) -> float | None:
    """Of those near the best, chosen so that they differ."""
    near = SolutionPool(pool.program, NEAR)
    near.add(pool.all())
    return hamming(near.choose(CHOSEN))


def integral(run: Run, best: float, seconds: float) -> float:
    """Of the primal gap over time."""
    shares = [(0.0, 1.0)]
    shares += [(when, min(1.0, float(gap(value, best, run.maximise)))) for when, value in run.incumbents]
    ends = [(min(when, seconds), share) for when, share in [*shares, (seconds, 0.0)]]
    return sum(share * (after - before) for (before, share), (after, _) in pairwise(ends))


def figures(runs: Sequence[Run], best: dict[tuple[Any, ...], float], moment: float) -> tuple[float, ...]:
    """Means over runs at a moment: gap in per cent, solutions within 1 % and 5 %, integral."""
    rows = []
    for run in runs:
        known = best[run.family, run.size, run.instance]
        off = gap(np.array(run.values.get(str(moment), []), dtype=np.float64), known, run.maximise)
        first = 100 * float(off.min(initial=1.0))
        rows.append((first, float((off <= NEAR).sum()), float((off <= FAR).sum()), integral(run, known, moment)))
    return tuple(np.mean(rows, axis=0).tolist())


def table(family: str, runs: Sequence[Run], best: dict[tuple[Any, ...], float]) -> Iterator[str]:
    """A family's figures, a line for each method."""
    moments = [moment for moment in MOMENTS if all(str(moment) in run.values for run in runs)]
    yield f"{family}: gap %, solutions within 1 % / 5 %, primal integral"
    yield f"{'method':12}{'runs':>5}" + "".join(f"{f'{moment:g} s':>24}" for moment in moments) + f"{'apart':>8}"
    for method in dict.fromkeys(run.method for run in runs):
        own = [run for run in runs if run.method == method]
        cells = ["{:.2f} {:.0f}/{:.0f} {:.3f}".format(*figures(own, best, moment)) for moment in moments]
        apart = [run.hamming for run in own if run.hamming is not None]
        far = f"{np.mean(apart):.1f}" if apart else "none"
        yield f"{method:12}{len(own):>5}" + "".join(f"{cell:>24}" for cell in cells) + f"{far:>8}"


def load(path: Path) -> dict[tuple[Any, ...], Run]:
    """What is done."""
    runs = [Run(**{**record, "incumbents": [tuple(each) for each in record["incumbents"]]}) for record in read(path)]
    return {run.key: run for run in runs}


def read(path: Path) -> list[dict[str, Any]]:
    records = journal.read(path)
    if path.exists():
        journal.write(path, records)  # Without a last line that was cut short.
    return records


def make(run: Run) -> None:
    """Does a run."""
    program = generate(run.family, run.size, run.instance)
    run.maximise = program.maximise
    how = cbc if run.method == "cbc" else solver if run.method in RIVALS else search
    try:
        how(program, run, CLOCKS[run.clock])
    except ValueError as error:
        run.note = str(error)
        Watch(run, program).end()


def finish(wanted: Sequence[Run], path: Path) -> dict[tuple[Any, ...], Run]:
    """Does what is not done; all that the journal has then."""
    done, warm = load(path), set[tuple[str, str]]()
    for number, run in enumerate(wanted, 1):
        if run.key in done:
            continue
        if (run.family, run.method) not in warm:
            make(Run(run.family, "small", 0, run.method, 0, 1.0, run.clock))
            warm.add((run.family, run.method))
        print(f"{number} of {len(wanted)}: {run.family} {run.instance}, {run.method}, seed {run.seed}", flush=True)
        make(run)
        journal.append(path, [asdict(run)])
        done[run.key] = run
    return done


def best_known(runs: Iterable[Run]) -> dict[tuple[Any, ...], float]:
    """The best objective of each instance."""
    best: dict[tuple[Any, ...], float] = {}
    for run in runs:
        place = (run.family, run.size, run.instance)
        for _, value in run.incumbents:
            known = best.get(place, value)
            best[place] = max(known, value) if run.maximise else min(known, value)
    return best


def main() -> None:
    usual = [*WHOLE, *STARTS, *rivals(), "cbc"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default="set-cover,auction,facility,independent-set")
    parser.add_argument("--size", default="paper")
    parser.add_argument("--instances", type=int, default=3)
    parser.add_argument("--first", type=int, default=2_000_000, help="seed of the first instance")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each method that draws")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--methods", default=",".join(usual), help="default: %(default)s")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--out", type=Path, default=Path("runs/anytime.jsonl"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    methods = [name for name in chosen.methods.split(",") if chosen.clock == "wall" or name != "cbc"]
    wanted = [
        Run(family, chosen.size, chosen.first + number, method, seed, chosen.seconds, chosen.clock)
        for family, number, method in product(chosen.families.split(","), range(chosen.instances), methods)
        for seed in range(1 if method in (*RIVALS, "cbc") else chosen.seeds)
    ]
    done = finish(wanted, chosen.out)
    best = best_known(done.values())
    for family in dict.fromkeys(run.family for run in wanted):
        print("\n".join(table(family, [done[run.key] for run in wanted if run.family == family], best)) + "\n")


if __name__ == "__main__":
    main()
