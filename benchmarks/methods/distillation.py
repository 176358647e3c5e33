"""The figures and the picture of docs/methods/distillation.md: a student's call or calls beside its teacher's.

    python benchmarks/methods/distillation.py [--student mnist-1] [--samples 10000] [--precision bf16]

Both are judged on samples of the same seed, the teacher in its default calls and in as few as the student's.
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

_ROWS = 10


def figures(model: Model[Any], samples: int, **fields: Any) -> str:
    """FID beside that of as many real images, accuracy, precision and recall, by the model's judge."""
    begun = time.process_time()
    drawn = model.sample(count=samples, seed=0, **fields)
    spent = 1000 * (time.process_time() - begun) / samples
    found = model.domain.metrics(drawn.data, drawn.cond)
    fid, low, high, floor = (found[f"fid{end}"] for end in ("", "_low", "_high", "_floor"))
    words = [f"FID {fid:.2f} ({low:.2f} to {high:.2f}), real images {floor:.2f}"]
    words += [f"{name} {found[name]:.3f}" for name in ("accuracy", "precision", "recall")]
    return ", ".join([*words, f"{spent:.1f} ms each"])


def draw(rows: dict[str, tuple[Model[Any], dict[str, Any]]], place: Path) -> None:
    """What each way makes of the same noise."""
    figure, axes = plt.subplots(len(rows), 1, figsize=(7, 0.95 * len(rows)), layout="constrained", squeeze=False)
    for (name, (model, fields)), axis in zip(rows.items(), axes[:, 0], strict=True):
        digits = model.sample(count=_ROWS, seed=0, **fields).data[:, 0]
        axis.imshow(torch.cat(list(digits), dim=1), cmap="gray")
        axis.set_title(name, fontsize=9, loc="left")
        axis.axis("off")
    figure.savefig(place, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--student", default="mnist-1", help="A bundled name or a file.")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--small", action="store_true", help="A second or two: the picture alone.")
    options = parser.parse_args()
    teacher, student = becalm.load("mnist", "cpu"), becalm.load(options.student, "cpu")
    most = student.request().steps
    rows: dict[str, tuple[Model[Any], dict[str, Any]]] = {
        **{f"student, {calls} call{'s' * (calls > 1)}": (student, {"steps": calls}) for calls in range(1, most + 1)},
        "teacher, 20 steps": (teacher, {}),
        "teacher, 2 steps": (teacher, {"steps": 2}),
        "teacher, 1 step": (teacher, {"steps": 1}),
    }
    print(f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} thread(s), {options.precision}")
    if not options.small:
        for name, (model, fields) in rows.items():
            shown = figures(model, options.samples, precision=options.precision, **fields)
            print(f"{name}: {shown}; {options.samples} samples", flush=True)
    draw(rows, options.out / "method-distillation.png")


if __name__ == "__main__":
    main()
