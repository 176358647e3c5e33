"""The figure and the picture of docs/methods/fit-steps.md: five fitted steps beside five and ten default ones.

    python benchmarks/methods/fit_steps.py [--samples 10000] [--out docs/images] [--small]

Fits as ``becalm fit-steps`` does, by its defaults, on samples of another seed than those that are judged.
"""

import argparse
import platform
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch

import becalm
from becalm.model import Model
from becalm.steps import fit_steps

_ROWS = 8


def figures(model: Model[Any], samples: int, **fields: Any) -> str:
    """FID and accuracy of samples, by the model's judge."""
    drawn = model.sample(count=samples, seed=0, **fields)
    found = model.domain.metrics(drawn.data, drawn.cond)
    return f"FID {found['fid']:.2f}, accuracy {found['accuracy']:.3f}"


def draw(model: Model[Any], rows: dict[str, dict[str, Any]], place: Path) -> None:
    """The levels of each way, and the digits that they end at from the same noise."""
    figure, axes = plt.subplots(
        len(rows), 2, figsize=(9, 1.0 * len(rows)), width_ratios=[1, 2], layout="constrained", squeeze=False
    )
    for (name, fields), (left, right) in zip(rows.items(), axes, strict=True):
        path = model.prepare(count=1, **fields).path[:-1]
        noise = torch.atan2(path.sigma, path.alpha) * 2 / torch.pi
        left.eventplot(noise, colors="C0", lineoffsets=0.5, linelengths=0.8)
        left.set(xlim=(-0.02, 1.02), ylim=(0, 1), yticks=[])
        left.set_title(name, fontsize=9, loc="left")
        digits = model.sample(count=_ROWS, seed=0, **fields).data[:, 0]
        right.imshow(torch.cat(list(digits), dim=1), cmap="gray")
        right.axis("off")
    axes[-1, 0].set_xlabel("noise: angle of (alpha, sigma), 1 is pure", fontsize=8)
    figure.savefig(place, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--small", action="store_true", help="A second or two: no figures, a coarse fit.")
    options = parser.parse_args()
    model = becalm.load("mnist", "cpu")
    begun = time.process_time()
    count, fine, calls = (2, 6, 3) if options.small else (64, 32, 5)
    _, found = fit_steps(model, model.request(count=count, seed=1), calls, fine=fine, minutes=5)
    print(f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} thread(s)")
    print(f"fitted in {time.process_time() - begun:.0f} s: times {', '.join(f'{time:.4f}' for time in found.times)}")
    print(f"off the long walk by {found.error:.4f} per entry, by default levels {found.before:.4f}")
    rows: dict[str, dict[str, Any]] = {
        f"{calls} fitted": {"times": found.times},
        f"{calls} by default": {"steps": calls},
        f"{2 * calls} by default": {"steps": 2 * calls},
    }
    if not options.small:
        for name, fields in rows.items():
            print(f"{name}: {figures(model, options.samples, **fields)} of {options.samples}", flush=True)
    draw(model, rows, options.out / "method-fit-steps.png")


if __name__ == "__main__":
    main()
