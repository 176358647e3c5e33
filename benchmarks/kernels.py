"""Compiled loops beside the readable ones that they replace, in one run: processor time, one thread.

    python benchmarks/kernels.py [FAMILY ...] [--samples 30] [--seed 7] [--size paper]

Samples of an instance are drawn at tier 1-opt with the bundled network. What the rounding search and 1-opt were given
on the way is then given to both: seconds of each, their ratio, and the share of solutions that are the same. So is
noise to the network as it is trained and as a CPU computes it, with the largest difference of their estimates; and a
point of nothing but zeros to greedy covering and the repair after it. The readable ones are those of the tests
(tests/programs/oracles), in float32, as they were before.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "programs"))

FAMILIES = ("set-cover", "auction", "facility", "independent-set")


class Recorder:
    """A function that remembers what it was called with, and how long it took.

    Attributes:
        calls: Arguments by place and by name. seconds: Processor time of all calls.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.seconds = 0.0

    def __call__(self, *args: Any, **named: Any) -> Any:
        self.calls.append((args, named))
        result, seconds = timed(lambda: self.function(*args, **named))
        self.seconds += seconds
        return result

    def compare(self, other: Callable[..., Any]) -> tuple[float, float, float]:
        """Seconds of the other and of this on the same calls, and the share of equal solutions."""
        slow = fast = 0.0
        same: list[np.ndarray] = []
        for args, named in self.calls:
            expected, old = timed(lambda args=args, named=named: other(*args, **named))
            found, new = timed(lambda args=args, named=named: self.function(*args, **named))
            slow, fast = slow + old, fast + new
            same.append(equal(expected, found))
        return slow, fast, float(np.concatenate(same).mean())


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """What a function gives, and processor time in seconds."""
    begun = time.process_time()
    result = function()
    return result, time.process_time() - begun


def equal(one: Any, other: Any) -> np.ndarray:
    """(K,) which samples are the same; tensors are (N, K), arrays (K, n)."""
    if isinstance(one, torch.Tensor):
        return (one == other).all(0).numpy()
    return np.asarray(one == other).all(axis=1)


def measured(family: str, size: str, seed: int, samples: int) -> str:
    """The row of a family."""
    import becalm
    from becalm_programs.families import generate
    from becalm_programs.guidance import rounding as guided
    from becalm_programs.problem.standard_form import StandardForm
    from becalm_programs.request import ProgramRequest
    from becalm_programs.sampling import sample, tiers

    model, form = becalm.load(family, "cpu"), StandardForm.of(generate(family, size, seed))
    sample(model, form, ProgramRequest(count=2, tier="1-opt"))  # Compiles.
    plain = guided.rounding_search, tiers.local
    search, moves = Recorder(guided.rounding_search), Recorder(tiers.local)
    guided.rounding_search, tiers.local = search, moves
    try:
        _, whole = timed(lambda: sample(model, form, ProgramRequest(count=samples, tier="1-opt", seed=seed)))
    finally:
        guided.rounding_search, tiers.local = plain
    rest = whole - search.seconds - moves.seconds
    cells = [f"{whole:.2f}", f"{rest:.2f}"]
    for recorder, readable in ((search, readable_search()), (moves, readable_local)):
        slow, fast, same = recorder.compare(readable)
        cells += [f"{slow:.2f}", f"{fast:.3f}", f"{slow / fast:.0f}", f"{100 * same:.0f} %"]
    cells += [*network(model.network, form, samples), *covering(form.program)]
    return "".join(cell.rjust(10) for cell in [family.ljust(16), *cells])


def network(plain: Any, form: Any, samples: int) -> list[str]:
    """Seconds of a call of the network on so many samples, as trained and as computed, ratio, largest difference."""
    from becalm.schedule import Cosine
    from becalm_programs.denoiser.chunks import Chunked
    from becalm_programs.denoiser.inference import Inference
    from becalm_programs.problem.batch import ProblemBatch

    level, cond = Cosine()(torch.tensor(0.3, dtype=torch.float64)), ProblemBatch((form,), (0,) * samples)
    x = torch.randn(samples * len(form.cost), generator=torch.Generator().manual_seed(0))
    trained, computed = Chunked(plain), Chunked(Inference(plain))
    computed(x, level, cond)  # Encodes.
    (one, slow), (two, fast) = timed(lambda: trained(x, level, cond)), timed(lambda: computed(x, level, cond))
    return [f"{slow:.3f}", f"{fast:.3f}", f"{slow / fast:.1f}", f"{float((one - two).abs().max()):.0e}"]


def covering(program: Any) -> list[str]:
    """Seconds of greedy covering and repair from zeros, readable and compiled, ratio, and whether they end alike."""
    from oracles.repair import cover

    from becalm_programs.search.greedy import cover_greedily
    from becalm_programs.search.kernels.flips import rows_of
    from becalm_programs.search.structure.columns import Columns

    columns, zeros = Columns.of(program), np.zeros(len(program.cost))
    rows = rows_of(columns)
    cover_greedily(columns, rows, zeros, program.cost)  # Compiles.
    one, slow = timed(lambda: cover(columns, zeros, program.cost, 200 + len(zeros)))
    two, fast = timed(lambda: cover_greedily(columns, rows, zeros, program.cost))
    return [f"{slow:.3f}", f"{fast:.3f}", f"{slow / fast:.0f}", "yes" if np.array_equal(one, two) else "no"]


def readable_search() -> Callable[..., Any]:
    """The rounding search in torch."""
    from oracles.rounding import rounding_search

    return rounding_search


def readable_local(columns: Any, x: np.ndarray) -> np.ndarray:
    """1-opt of every kind, as ``becalm_programs.search.moves.local``."""
    from oracles.exchange import exchange
    from oracles.insertion import insertion
    from oracles.removal import removal

    from becalm_programs.search.moves.oneopt import oneopt

    x = oneopt(columns, x)
    for moves in (exchange, insertion, removal):
        x = moves(columns, x)
    return x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", default=FAMILIES)
    parser.add_argument("--samples", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--size", default="paper")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    names = ["whole s", "rest s", "search", "compiled", "ratio", "same", "1-opt", "compiled", "ratio", "same"]
    names += ["network", "compiled", "ratio", "apart", "greedy", "compiled", "ratio", "same"]
    print("".join(name.rjust(10) for name in [" " * 16, *names]))
    for family in chosen.families:
        print(measured(family, chosen.size, chosen.seed, chosen.samples), flush=True)


if __name__ == "__main__":
    main()
