"""Langevin dynamics on a density that is known: what goes wrong, and what many noise scales mend.

    python benchmarks/methods/score.py [--small] [--count 4000] [--out docs/images]

Prints the share of the smaller of two modes, right .2, as four samplers draw it. Draws ``method-score.png``: samples of
Langevin dynamics at one level, annealed, and with a predictor. Seed 0; a minute.
"""

import argparse
import platform
from pathlib import Path

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.path import Path as Levels
from becalm.sampler import Langevin, PredictorCorrector, ReverseSDE, Sampler, sample
from becalm.schedule import SubVariancePreserving, VarianceExploding, levels

MODES = GaussianMixture(*(torch.tensor(part).double() for part in ([0.2, 0.8], [[-3.0, -3.0], [3.0, 3.0]], [0.7, 0.7])))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    count, steps = (300, 60) if args.small else (args.count, 1000)
    exploding, sub = VarianceExploding(low=0.01, high=20), SubVariancePreserving()
    low = exploding(torch.tensor(0.4))
    runs: list[tuple[str, Sampler, Levels]] = [
        ("Langevin at one low level", Langevin(snr=0.3), Levels.of([low] * steps)),
        ("annealed Langevin, VE", Langevin(snr=0.4), levels(exploding, steps, "log_snr")),
        ("predictor-corrector, sub-VP", PredictorCorrector(), levels(sub, steps // 2, "log_snr")),
        ("reverse SDE, sub-VP", ReverseSDE(), levels(sub, steps, "log_snr")),
    ]
    print(platform.machine(), f"torch {torch.__version__}, seed 0, {count} samples, {steps} calls each")
    figure = Figure(figsize=(11, 2.9), layout="constrained")
    for axes, (name, sampler, path) in zip(figure.subplots(1, 4, sharey=True), runs, strict=True):
        found = drawn(sampler, path, count)
        share = float((found.sum(1) < 0).double().mean())
        print(f"{name}: share of the smaller mode {share:.3f}")
        axes.plot(*found.T, ".", ms=1.5, alpha=0.5)
        axes.set(title=f"{name}\nsmaller mode: {share:.2f}", xlim=(-9, 9), ylim=(-9, 9), aspect="equal")
        axes.title.set_fontsize(9)
    FigureCanvasAgg(figure)
    args.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out / "method-score.png", dpi=110)


def drawn(sampler: Sampler, path: Levels, count: int) -> Tensor:
    """Samples from noise as wide as the path's first level, or, where that is low, spread evenly over the plane."""
    generator = torch.Generator().manual_seed(0)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    like = torch.empty(count, 2, dtype=torch.float64)
    wide = 16 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 8
    start = noise(like) * path[0].total_std if len(path) and float(path[0].sigma) > float(path[-1].sigma) else wide
    return sample(sampler(MODES, start, path, None, noise))


if __name__ == "__main__":
    main()
