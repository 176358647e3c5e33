"""Langevin dynamics on a density that is known: what goes wrong, and what many noise scales mend.

    python benchmarks/methods/score.py [--small] [--count 4000] [--out docs/images] [--ncsn FILE] [--ddpm FILE]

Prints the share of the smaller of two modes, right .2, as four samplers draw it. Draws ``method-score.png``: samples of
Langevin dynamics at one level, annealed, and with a predictor. Seed 0; a minute. With ``--ncsn`` and ``--ddpm``,
networks of digits trained on many noise scales and on a chain (see docs/methods/score.md for how), prints the FID of
300 samples of each under the bundled judge instead, and draws some as ``method-ncsn.png``; a quarter of an hour.
"""

import argparse
import platform
from pathlib import Path
from typing import Any

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

import becalm
from becalm.denoiser import GaussianMixture
from becalm.path import Path as Levels
from becalm.sampler import Langevin, PredictorCorrector, ReverseSDE, Sampler, sample
from becalm.schedule import SubVariancePreserving, VarianceExploding, levels
from becalm_images.judge.find import find
from becalm_images.judge.judge import load_judge

MODES = GaussianMixture(*(torch.tensor(part).double() for part in ([0.2, 0.8], [[-3.0, -3.0], [3.0, 3.0]], [0.7, 0.7])))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--ncsn")
    parser.add_argument("--ddpm")
    args = parser.parse_args()
    if args.ncsn and args.ddpm:
        digits(args)
        return
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


def digits(args: argparse.Namespace) -> None:
    """FID of 300 digits by each way to sample, beside as many real ones; a picture of ten of each."""
    judge = load_judge(find("mnist-judge"))
    plain: dict[str, Any] = {"guidance": 1.0, "precision": "bf16", "count": 300}
    runs: list[tuple[str, str, dict[str, Any]]] = [
        ("NCSN, annealed Langevin, 1000 calls", args.ncsn, {"sampler": Langevin(snr=0.16), "steps": 1000}),
        ("NCSN, predictor-corrector, 1000 calls", args.ncsn, {"sampler": PredictorCorrector(), "steps": 500}),
        ("NCSN, 2M, 20 calls", args.ncsn, {"sampler": "dpmpp2m", "steps": 20}),
        ("DDPM, its 400 calls", args.ddpm, {"sampler": "ddpm", "steps": 400}),
        ("DDPM, 2M, 20 calls", args.ddpm, {"sampler": "dpmpp2m", "steps": 20}),
    ]
    print(platform.machine(), f"torch {torch.__version__}, seed 0; 300 real digits: FID {judge.floors(300)['fid']:.2f}")
    figure = Figure(figsize=(8, 0.8 * len(runs)), layout="constrained")
    FigureCanvasAgg(figure)
    for line, (name, file, fields) in zip(figure.subplots(len(runs), 10), runs, strict=True):
        samples = becalm.load(file, "cpu").sample(**plain, **fields)
        found = judge.metrics(samples.data, samples.cond)
        low, high = found["fid_low"], found["fid_high"]
        print(f"{name}: FID {found['fid']:.2f} ({low:.2f} to {high:.2f}), accuracy {found['accuracy']:.3f}", flush=True)
        for axes, image in zip(line, samples.data, strict=False):
            axes.imshow(image[0], cmap="gray_r", vmin=0, vmax=255)
            axes.set(xticks=[], yticks=[])
        line[0].set_ylabel(name.replace(", ", "\n"), fontsize=6, rotation=0, ha="right", va="center")
    args.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out / "method-ncsn.png", dpi=110)


if __name__ == "__main__":
    main()
