"""The pictures of docs/methods/blur.md and cold.md: what these processes make of one digit, level by level.

    python benchmarks/methods/forward.py [--out docs/images] [--small]

Nothing is trained; the prints are the share of the digit's variation that is left halfway. ``--small`` is the same.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from becalm.noise import Purpose, stream
from becalm.process import GAUSSIAN, ColdBlur, ColdMask, ColdPixels, Process, Rotated
from becalm.schedule import Blur, Cosine, Flow, NoiseSchedule

DIGIT = Path(__file__).parents[2] / "docs" / "images" / "eight.png"
TIMES = torch.linspace(0, 1, 9, dtype=torch.float64)
Rows = dict[str, tuple[Process, NoiseSchedule]]
BLURRED: Rows = {
    "white noise": (GAUSSIAN, Cosine()),
    "details first": (Rotated(), Blur(blur=10)),
    "outlines first": (Rotated(), Blur(blur=-10)),
}
COLD: Rows = {"blur": (ColdBlur(), Flow()), "pixels": (ColdPixels(), Flow()), "mask": (ColdMask(), Flow())}


def picture(x0: Tensor, rows: Rows) -> Figure:
    """A row of tiles per process, from clean to the last level; prints what is left of the digit halfway."""
    figure = Figure(figsize=(8, 2.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), len(TIMES))
    for line, (name, (process, schedule)) in zip(axes, rows.items(), strict=True):
        for axis, t in zip(line, TIMES, strict=True):
            noise = stream(0, torch.zeros(1, dtype=torch.long), Purpose.TRAIN_NOISE)
            axis.imshow(process.corrupt(x0, schedule(t), noise)[0, 0], cmap="gray_r", vmin=-1.5, vmax=1.5)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, fontsize=8)
        left = process.corrupt(x0, schedule(TIMES[4]), torch.zeros_like)
        print(f"{name}: {float(left.std() / x0.std()):.2f} of the digit's standard deviation at t = 0.5")
    for axis, t in zip(axes[0], TIMES.tolist(), strict=True):
        axis.set_title(f"t = {t:.2f}", fontsize=7)
    return figure


def main() -> None:
    """Draws both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--small", action="store_true")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    pixels = np.array(Image.open(DIGIT).convert("L").resize((28, 28)))
    x0 = torch.from_numpy(pixels).float()[None, None] / 127.5 - 1
    for name, rows in (("blur", BLURRED), ("cold", COLD)):
        picture(x0, rows).savefig(out / f"method-{name}.png", dpi=110)
        print(out / f"method-{name}.png")


if __name__ == "__main__":
    main()
