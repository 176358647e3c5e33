"""Likelihoods by the ODE: a mixture beside its closed form, and test digits of MNIST in bits per dimension.

    python benchmarks/methods/likelihood.py [--small] [--data DIR] [--count 100] [--checkpoint mnist] [--device cpu]
        [--out docs/images]

Without ``--data``, a folder that holds MNIST, digits are left out. Draws ``method-likelihood.png``: the density of a
mixture by the ODE on its closed form, and how its error falls with the number of steps. A minute for 100 digits.
"""

import argparse
import platform
from pathlib import Path

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

import becalm
from becalm.denoiser import GaussianMixture
from becalm.guidance import among
from becalm.likelihood import bits_per_dimension, data_nats, grid, nats
from becalm.noise import Purpose, stream
from becalm.schedule import Cosine

BLOCK = 500
"""Digits whose gradients are held at a time."""
LEAST = 1.3e-3
"""The noise at the data's end: a sixth of what two grey values are apart in [-1, 1]."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--checkpoint", default="mnist")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    data = GaussianMixture(*(torch.tensor(part).double() for part in ([0.3, 0.7], [[-1.5], [1.0]], [0.3, 0.6])))
    x0 = torch.linspace(-3, 3, 15 if args.small else 61, dtype=torch.float64)[:, None]
    counts = (5, 10, 20) if args.small else (5, 10, 20, 40, 80, 160)
    errors = [
        float((nats(data, x0, grid(Cosine(), steps, 0.01), None) - exact(data, x0, steps)).abs().mean())
        for steps in counts
    ]
    fine = nats(data, x0, grid(Cosine(), 4, 0.01), None, tolerance=1e-6)
    print(platform.machine(), platform.processor(), f"torch {torch.__version__}, seed 0")
    for steps, error in zip(counts, errors, strict=True):
        print(f"mixture, {steps} steps of Heun: off by {error:.2g} nats")
    print(f"mixture, Dormand-Prince, tolerance 1e-6: off by {float((fine - exact(data, x0, 4)).abs().max()):.2g} nats")
    draw(x0, exact(data, x0, 4), fine, counts, errors, args.out / "method-likelihood.png")
    if args.data is not None and not args.small:
        digits(args)


def exact(data: GaussianMixture, x0: Tensor, steps: int) -> Tensor:
    """The closed form at the path's last noisy level."""
    level = grid(Cosine(), steps, 0.01)[-2]
    return data.log_density(level.alpha * x0, level) + level.alpha.log()


def digits(args: argparse.Namespace) -> None:
    """Prints the bits per dimension of the first test digits under a model, without their labels."""
    model = becalm.load(args.checkpoint, args.device)
    held = model.domain.model_copy(update={"data": str(args.data)}).labelled("test")
    images = torch.from_numpy(held.images[: args.count].copy()).to(model.device)
    denoise = among(256)(model.denoiser())
    path, found = grid(model.schedule, args.steps, LEAST), []
    for some in torch.arange(len(images), device=model.device).split(BLOCK):
        noise, null = stream(0, some, Purpose.PROBE), torch.full_like(some, model.domain.classes)
        arguments = (denoise, model.codec, images[some], path, null, 1)
        found.append(data_nats(*arguments, dequantisation="normal", noise=noise))
    bits = bits_per_dimension(torch.cat(found), images[0].numel())
    error = float(bits.std()) / len(bits) ** 0.5
    print(f"MNIST, first {len(bits)} test digits, {args.steps} steps: {float(bits.mean()):.3f} +- {error:.3f} bits/dim")


def draw(x0: Tensor, wanted: Tensor, found: Tensor, counts: tuple[int, ...], errors: list[float], out: Path) -> None:
    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(x0[:, 0], wanted.exp(), color="0.6", lw=4, label="closed form")
    left.plot(x0[:, 0], found.exp(), ".", ms=4, label="by the ODE")
    left.set(xlabel="x0", ylabel="density", ylim=(-0.02, 0.62))
    left.legend(frameon=False)
    right.loglog(counts, errors, "o-")
    right.set(xlabel="steps of Heun", ylabel="error of log p in nats")
    FigureCanvasAgg(figure)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main()
