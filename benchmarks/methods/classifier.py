"""The bundled digits as a classifier: docs/methods/classifier.md's figure and picture.

    python benchmarks/methods/classifier.py [--count 10000] [--data DIR] [--split test] [--precision bf16]
        [--device cpu] [--small]

Levels, weights and margin were chosen on training images; the figure is of test images, in the order of
``becalm images recognise``. Each hundred is stored in ``--journal`` when it is done, so an interrupted run goes on
where it stopped.
"""

import argparse
import platform
import time
from pathlib import Path
from typing import Any

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

import becalm
from becalm.files import journal
from becalm.noise import permutation
from becalm_images.data.mnist import mnist
from becalm_images.data.source import load
from becalm_images.judge.interval import share
from becalm_images.judge.recognise import contest, recognise

BLOCK = 100


def main() -> None:
    """Classifies what is not in the journal yet, prints the figure, draws the picture."""
    options = _options()
    model: Any = becalm.load("mnist", options.device)
    labelled = load(options.data or str(mnist()), options.split)
    order = permutation(0, 0, len(labelled.labels))[: options.count]
    images, labels = torch.from_numpy(labelled.images)[order], torch.from_numpy(labelled.labels)[order]
    x0, count, rules = model.encode(images.to(model.device), None), len(order), contest(model.schedule)
    denoise = model.denoiser(model.request(precision=options.precision))
    done = {record["first"]: record for record in journal.read(options.journal)}
    for first in range(0, count, BLOCK):
        if first in done:
            continue
        began = time.process_time()
        (found,) = recognise(rules, denoise, x0[first : first + BLOCK], 10, first=first, block=BLOCK)
        record = {"first": first, "chosen": found.chosen.tolist(), "calls": found.calls.tolist()}
        done[first] = {**record, "seconds": time.process_time() - began}
        journal.append(options.journal, [done[first]])
    each = [done[first] for first in range(0, count, BLOCK)]
    chosen, calls = (torch.cat([torch.tensor(record[name]) for record in each])[:count] for name in ("chosen", "calls"))
    right = chosen == labels[:count]
    value, low, high = (100 * end for end in share(right))
    print(
        f"{int(right.sum())} of {count} {options.split} digits, {value:.2f} % ({low:.2f} to {high:.2f}), "
        f"{calls.double().mean():.1f} calls a digit (median {calls.median()}, most {calls.max()}), "
        f"{sum(record['seconds'] for record in each) / count:.2f} s of one core each; {_machine(model.device)}, seed 0"
    )
    options.out.mkdir(parents=True, exist_ok=True)
    hard = int(calls.argmax())
    rules = contest(model.schedule, 1 if options.small else 4, margin=float("inf"))
    (found,) = recognise(rules, denoise, x0[[hard]], 10, first=hard, block=1)
    figure = draw(images, labels, chosen, calls, found.error[0].cpu())
    figure.savefig(options.out / "method-classifier.png", dpi=110)
    print(options.out / "method-classifier.png")


def _machine(device: torch.device) -> str:
    return platform.machine() if device.type == "cpu" else torch.cuda.get_device_name(device)


def draw(images: Tensor, labels: Tensor, chosen: Tensor, calls: Tensor, error: Tensor) -> Figure:
    """Calls per digit; the errors of all classes of the hardest digit; digits that are taken for others."""
    wrong, hard = (chosen != labels[: len(chosen)]).nonzero()[:12, 0], int(calls.argmax())
    figure = Figure(figsize=(9, 2.9), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.add_gridspec(1, 3, width_ratios=(1.1, 1.1, 1)).subplots()
    left.hist(calls.numpy(), bins=40, color="#1d4ed8", log=True)
    left.set(xlabel="calls for a digit", ylabel="digits", title="most are settled at once")
    behind = (error / error.min() - 1) * 100
    middle.bar(range(10), behind, color=["#d33f3f" if k == int(labels[hard]) else "#1d4ed8" for k in range(10)])
    middle.set(xticks=range(10), xlabel="class", ylabel="% above the smallest", title="the digit that took most")
    middle.inset_axes((0.02, 0.62, 0.3, 0.36)).imshow(images[hard, 0], cmap="gray_r")
    middle.child_axes[0].set_axis_off()
    right.set_title("taken for another" if len(wrong) else "none is taken for another")
    right.set_axis_off()
    for place, number in enumerate(wrong.tolist()):
        tile = right.inset_axes((place % 4 / 4, 0.68 - place // 4 / 3, 0.24, 0.26))
        tile.imshow(images[number, 0], cmap="gray_r")
        tile.set_title(f"{int(labels[number])} as {int(chosen[number])}", fontsize=7, pad=1)
        tile.set_axis_off()
    return figure


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--data")
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--journal", type=Path, default=Path("out/classifier.jsonl"))
    parser.add_argument("--small", action="store_true", help="A few digits, in a few seconds.")
    options = parser.parse_args()
    if options.small:
        options.count = 3
        options.journal = options.out / "classifier-small.jsonl"
    return options


if __name__ == "__main__":
    main()
