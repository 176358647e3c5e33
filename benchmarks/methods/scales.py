"""One class of two under each guidance that has a scale, beside the class itself: ``docs/images/method-scales.png``.

    python benchmarks/methods/scales.py [--small] [--out docs/images]

Prints mean and standard deviation of the first coordinate of 2,000 samples; the class's own are 1 and .4.
"""

import argparse
import platform
from pathlib import Path

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.guidance import AdaptiveProjected, ClassifierFree, Combine, Guidance, ZeroStar, autoguidance
from becalm.sampler import DPMpp2M, sample
from becalm.schedule import Cosine, levels

WEIGHTS, MEANS, STDS = torch.tensor([0.5, 0.5]), torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), torch.tensor([0.4, 0.4])
DATA, WORSE = GaussianMixture(WEIGHTS, MEANS, STDS), GaussianMixture(WEIGHTS, MEANS, 2 * STDS)


def drop(cond: Tensor) -> Tensor:
    """The null condition."""
    return torch.full_like(cond, -1)


GUIDES: dict[str, Guidance[Tensor] | None] = {
    "the class itself": None,
    "classifier-free, 3": ClassifierFree(3.0, drop),
    "adaptive projected, 3": AdaptiveProjected(3.0, drop),
    "zero star, 3": ZeroStar(3.0, drop),
    "autoguidance, 2": autoguidance(WORSE, 2.0),
    "and not the other, .5": Combine([(1.0, lambda cond: cond), (-0.5, torch.zeros_like)], drop),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Guidance that has a scale.")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "docs" / "images")
    args = parser.parse_args()
    count = 200 if args.small else 2000
    print(f"{platform.machine()}, {platform.system()}; {count} samples, seed 0, 2M, 30 steps\n")
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    start = torch.randn(count, 2, generator=torch.Generator().manual_seed(0))
    everything = DATA.draw(count, torch.Generator().manual_seed(1))
    for axes, (name, guide) in zip(figure.subplots(2, 3, sharex=True, sharey=True).flat, GUIDES.items(), strict=True):
        denoise = DATA if guide is None else guide(DATA)
        x = sample(DPMpp2M()(denoise, start, levels(Cosine(), 30), torch.ones(count, dtype=torch.long)))
        print(f"{name:24} mean {float(x[:, 0].mean()):.2f}, std {float(x[:, 0].std()):.2f}")
        axes.scatter(*everything.T, s=3, color="#cbd5e1", label="both classes")
        axes.scatter(*x.T, s=3, color="#d33f3f", label="samples")
        axes.set(title=name, xlim=(-3, 4), ylim=(-2, 2), aspect="equal")
    figure.axes[0].legend(fontsize=7, frameon=False, loc="upper left")
    args.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out / "method-scales.png", dpi=100)
