"""The bias of guidance: samples beside exact draws of the posterior, by sliced Wasserstein distance.

    python benchmarks/methods/bias.py [--small] [--count 1000] [--problems 4] [--particles 16] [--walks 1]
        [--kinds 5,8 20,64] [--only "16 looking ahead"] [--draws 512] [--out docs/images]

Data are mixtures of Gaussians (standard deviation .3, centres N(0, 1.5^2)) in D dimensions, of which two numbers are
read, y = A x0 + .2 eps; the denoiser is exact. All walk by ``DPMppSDE`` but ``clean``, by DDIM of eta 1, since its
moves grow without bound by second order. Looking ahead is at ``--draws`` samples of the plain walk, one set for all
samples of a problem, at time ``--ahead``.

Prints, for each kind of problem, the mean distance over the problems, and over ``--walks`` sets of samples of each, to
four times as many sets of exact draws, beside the floor: that of these from each other; then how much of the posterior,
in closed form, lies within the samples' central 90 %, of each coordinate by itself.
Draws ``docs/images/method-particles.png``: two modes, and what becomes of them.
"""

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.guidance import Descend, Guidance, LookAhead, Measurement, MomentMatching, PseudoInverse
from becalm.noise import stream
from becalm.sampler import DDIM, DPMppSDE, Particles, sample
from becalm.schedule import Cosine, levels, levels_at

SPREAD, ERROR, READINGS = 0.3, 0.2, 2
KINDS = [(1, 8), (2, 2), (5, 8), (20, 2), (5, 16), (20, 16), (1, 64), (5, 64), (20, 64)]


@dataclass(frozen=True)
class Problem:
    """A mixture, what was read of one draw of it, and the posterior as a mixture."""

    data: GaussianMixture
    operator: Tensor
    y: Tensor
    weights: Tensor
    means: Tensor
    root: Tensor

    @classmethod
    def of(cls, modes: int, size: int, seed: int) -> "Problem":
        generator = torch.Generator().manual_seed(seed)
        weights = torch.randn(modes, generator=generator).softmax(0)
        means = 1.5 * torch.randn(modes, size, generator=generator)
        data = GaussianMixture(weights, means, torch.full((modes,), SPREAD))
        operator = torch.randn(READINGS, size, generator=generator) / size**0.5
        y = operator @ data.draw(1, generator)[0] + ERROR * torch.randn(READINGS, generator=generator)
        read = SPREAD**2 * operator @ operator.T + ERROR**2 * torch.eye(READINGS)
        gain = SPREAD**2 * operator.T @ torch.linalg.inv(read)
        far = y - means @ operator.T
        share = (weights.log() - 0.5 * (far * torch.linalg.solve(read, far.T).T).sum(1)).softmax(0)
        root = torch.linalg.cholesky(SPREAD**2 * (torch.eye(size) - gain @ operator))
        return cls(data, operator, y, share, means + far @ gain.T, root)

    def draw(self, count: int, seed: int) -> Tensor:
        """Exact draws of the posterior."""
        generator = torch.Generator().manual_seed(seed)
        number = torch.multinomial(self.weights, count, True, generator=generator)
        return self.means[number] + torch.randn(count, len(self.root), generator=generator) @ self.root.T

    def coverage(self, x: Tensor) -> float:
        """How much of the posterior lies between the 5 % and the 95 % quantile of samples, the mean of coordinates."""
        low, high = torch.quantile(x, torch.tensor([0.05, 0.95]), dim=0)
        std = self.root.square().sum(1).sqrt()
        below = [torch.special.ndtr((end - self.means) / std) for end in (low, high)]
        return float((self.weights @ (below[1] - below[0])).mean())

    @property
    def measurement(self) -> Measurement:
        return Measurement(lambda x0: x0 @ self.operator.T, self.y, ERROR)


def distance(one: Tensor, other: Tensor) -> float:
    """Sliced Wasserstein-2 of what ``slices`` made of two sets."""
    return float((one - other).square().mean().sqrt())


def slices(x: Tensor) -> Tensor:
    """The sorted projections on 200 directions, (count, 200)."""
    ways = torch.randn(x.shape[1], 200, generator=torch.Generator().manual_seed(1))
    return (x @ torch.nn.functional.normalize(ways, dim=0)).sort(0)[0]


def walks(problem: Problem, particles: int) -> dict[str, Callable[[Tensor, int], Tensor]]:
    """What is compared: samples from a start, by a seed."""
    matched = MomentMatching(problem.measurement, None)
    guides: dict[str, Guidance[None]] = {
        "clean": Descend(problem.measurement.energy, 1.0, "clean"),
        "through": Descend(problem.measurement.energy, 1.0, "through"),
        "pseudo-inverse": PseudoInverse(problem.measurement),
        "moment matching": matched,
    }

    def alone(name: str, guide: Guidance[None]) -> Callable[[Tensor, int], Tensor]:
        sampler = DDIM(eta=1.0) if name == "clean" else DPMppSDE()
        return lambda x, seed: _walk(sampler, guide(problem.data), x, seed)

    found = {name: alone(name, guide) for name, guide in guides.items()}
    for count in sorted({8, particles}):
        sampler = Particles(energy=matched, count=count)
        found[f"{count} particles"] = lambda x, seed, by=sampler: _walk(by, problem.data, x, seed)  # type: ignore[misc]
    found[f"{particles} looking ahead"] = lambda x, seed: _walk(
        Particles(energy=_ahead(matched, problem.data, x, seed), count=particles), problem.data, x, seed
    )
    return found


def _ahead(guide: MomentMatching, data: GaussianMixture, like: Tensor, seed: int) -> LookAhead:
    """What the guidance makes of plain samples."""
    generator = torch.Generator().manual_seed(1000 + seed)
    start, noise = torch.randn(2, DRAWS, like.shape[1], generator=generator)
    draws = _walk(DPMppSDE(), data, start, 1000 + seed)
    return LookAhead.of(guide, data, draws, levels_at(Cosine(), [1.0, AHEAD])[1], noise=lambda _: noise)


def _walk(sampler: DDIM | DPMppSDE | Particles, denoise: object, x: Tensor, seed: int) -> Tensor:
    noise = stream(seed, torch.arange(len(x)))
    return sample(sampler(denoise, x, levels(Cosine(), STEPS), None, noise))  # type: ignore[arg-type]


def table(count: int, problems: int, particles: int, kinds: list[tuple[int, int]], only: list[str]) -> None:
    """Prints distances, their multiples of the floor, coverages, and processor seconds of each kind's samples."""
    tables: dict[str, list[str]] = {"Distance": [], "Times the floor": [], "Coverage of 90 %, in %, mean (lowest)": []}
    seconds: list[str] = []
    head: list[str] = []
    for modes, size in kinds:
        far: dict[str, list[float]] = {}
        covers: dict[str, list[float]] = {}
        spent: dict[str, float] = {"floor": 0.0}
        for seed in range(problems):
            problem = Problem.of(modes, size, seed)
            right = [problem.draw(count, 1 + number) for number in range(4 * WALKS)]
            sliced = [slices(x) for x in right]
            far.setdefault("floor", []).append(_mean(distance(one, other) for one, other in combinations(sliced, 2)))
            covers.setdefault("floor", []).append(_mean(problem.coverage(x) for x in right))
            for name, walk in walks(problem, particles).items():
                if only and name not in only:
                    continue
                for number in range(seed, seed + 1000 * WALKS, 1000):
                    start = torch.randn(count, size, generator=torch.Generator().manual_seed(number))
                    begun = time.process_time()
                    x = walk(start, number)
                    spent[name] = spent.get(name, 0) + time.process_time() - begun
                    far.setdefault(name, []).append(_mean(distance(slices(x), other) for other in sliced))
                    covers.setdefault(name, []).append(problem.coverage(x))
        head, kind, floor = list(far), f"| {modes}, {size} | ", _mean(far["floor"])
        for title, cells in zip(
            tables,
            (
                [f"{_mean(far[name]):.3f}" for name in head],
                [f"{_mean(far[name]) / floor:.2f}" for name in head],
                [f"{100 * _mean(covers[name]):.0f} ({100 * min(covers[name]):.0f})" for name in head],
            ),
            strict=True,
        ):
            tables[title].append(kind + " | ".join(cells) + " |")
        seconds.append(kind + " | ".join(f"{spent[name] / problems / WALKS:.1f}" for name in head) + " |")
        print(f"{modes} modes in {size} dimensions: done", file=sys.stderr, flush=True)
    for title, lines in {**tables, "Processor seconds": seconds}.items():
        print(f"{title}:\n\n| modes, dimensions | " + " | ".join(head) + " |\n|---|" + "---:|" * len(head))
        print("\n".join(lines) + "\n")


def _mean(values: Iterable[float]) -> float:
    each = list(values)
    return sum(each) / len(each)


def picture(out: Path) -> None:
    """Two modes in the plane, a vertical reading between them."""
    data = GaussianMixture(torch.tensor([0.7, 0.3]), torch.tensor([[-1.0, 1.0], [1.0, -1.0]]), torch.tensor([0.3, 0.3]))
    operator, y = torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([0.1, 0.0])
    read = SPREAD**2 + 0.5**2
    share = (data.weights.log() - (y[0] - data.means[:, 0]) ** 2 / (2 * read)).softmax(0)
    gain = SPREAD**2 / read
    means = torch.stack([data.means[:, 0] + gain * (y[0] - data.means[:, 0]), data.means[:, 1]], 1)
    root = torch.tensor([[SPREAD * (1 - gain) ** 0.5, 0], [0, SPREAD]])
    problem = Problem(data, operator, y, share, means, root)
    measurement = Measurement(lambda x0: x0[:, :1], y[:1], 0.5)
    start = torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    matched = MomentMatching(measurement, None)
    sets = {
        "exact draws of the posterior": problem.draw(600, 1),
        "moment matching": _walk(DPMppSDE(), matched(data), start, 0),
        "8 particles each": _walk(Particles(energy=matched, count=8), data, start, 0),
    }
    figure = Figure(figsize=(9, 4.3), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, x) in zip(figure.subplots(1, 3, sharex=True, sharey=True), sets.items(), strict=True):
        axes.scatter(*data.draw(600, torch.Generator().manual_seed(5)).T, s=4, color="#cbd5e1", label="data")
        axes.scatter(*x.T, s=4, color="#d33f3f", label="samples")
        axes.axvline(float(y[0]), color="#1d4ed8", linewidth=1, label="what was read of x")
        below = float((x[:, 1] < 0).float().mean())
        axes.set(title=f"{name}\n{below:.0%} below", xlabel="x", aspect="equal")
    figure.axes[0].set_ylabel("y")
    figure.axes[0].legend(fontsize=7, frameon=False, loc="lower left")
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "method-particles.png", dpi=100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The bias of guidance.")
    parser.add_argument("--small", action="store_true", help="a second's worth")
    parser.add_argument("--count", type=int, default=1000, help="samples of each problem")
    parser.add_argument("--problems", type=int, default=4, help="of each kind")
    parser.add_argument("--particles", type=int, default=16)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--walks", type=int, default=1, help="sets of samples of each problem")
    parser.add_argument("--draws", type=int, default=512, help="plain samples that are looked ahead at")
    parser.add_argument("--ahead", type=float, default=0.2, help="the time that is looked at")
    parser.add_argument("--kinds", nargs="+", help="modes,dimensions")
    parser.add_argument("--only", nargs="+", default=[], help="columns")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "docs" / "images")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.small:
        args.count, args.problems, args.steps = 100, 1, 20
    STEPS, DRAWS, AHEAD, WALKS = args.steps, args.draws, args.ahead, args.walks
    kinds = [(int(kind.split(",")[0]), int(kind.split(",")[1])) for kind in args.kinds] if args.kinds else KINDS
    print(
        f"{platform.machine()}, {platform.system()}, one thread; {args.count} samples, {args.problems} problems "
        f"of each kind (seeds 0 to {args.problems - 1}), {STEPS} steps, {WALKS} times; looking ahead "
        f"at {DRAWS} plain samples\n"
    )
    table(args.count, args.problems, args.particles, kinds[:3] if args.small else kinds, args.only)
    picture(args.out)
