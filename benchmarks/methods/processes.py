"""The same network trained under every process on MNIST: Gaussian, blur, bits, categories, masks, cold diffusion.

    python benchmarks/methods/processes.py [--data DIR] [--steps 1500] [--count 1000] [--only masked,blur]
        [--out docs/images] [--folder runs/processes]

DIR holds MNIST's idx files; without it they are fetched once. Printed are FID and accuracy of samples under the bundled
judge, beside those of as many real digits with as many grey values; of cold diffusion, test digits degraded to the end
and restored, by one call and level by level. Draws ``method-processes.png`` and ``method-restored.png``. A trained
network is kept in the folder, so a run that was stopped goes on with the next process. Ten minutes each on one core;
seed 0.
"""

import argparse
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor, nn

import becalm
from becalm.level import NoiseLevel
from becalm.model import Model
from becalm.process import GAUSSIAN, Bits, Categories, ColdBlur, ColdMask, ColdPixels, Masked, Process, Rotated
from becalm.sampler import last
from becalm.schedule import Blur
from becalm_images.domain import Images
from becalm_images.judge.find import find
from becalm_images.judge.judge import Judge, load_judge
from becalm_images.networks.unet import UNet

GREYS = 4
STEPS = 50
"""Of sampling, for each process."""


class Signs(nn.Module):
    """The estimate of bits, in (-1, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = unet(1)

    def forward(self, x: Tensor, level: NoiseLevel, label: Tensor) -> Tensor:
        return torch.tanh(self.inner(x, level, label))


class Shares(nn.Module):
    """The probabilities of grey values, (B, 1, H, W, K); x is one-hot along the last axis."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = unet(GREYS)

    def forward(self, x: Tensor, level: NoiseLevel, label: Tensor) -> Tensor:
        out: Tensor = self.inner(x[:, 0].movedim(-1, 1), level, label)
        return out.float().softmax(1).movedim(1, -1)[:, None]


def unet(channels: int) -> nn.Module:
    """The network of the bundled model."""
    return UNet((channels, 28, 28), 10, widths=(48, 96), blocks=2)


@dataclass(frozen=True)
class Case:
    """A process and what goes with it.

    Attributes:
        greys: How many grey values images have; 256 for all of them.
        fields: Of ``becalm.fit``. sampler: How it is sampled.
    """

    process: Process
    greys: int = 256
    sampler: str = "ddpm"
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def hot(self) -> bool:
        """Whether greys are categories."""
        return isinstance(self.process, Categories | Masked)

    def network(self) -> nn.Module:
        """A fresh one."""
        torch.manual_seed(0)
        return Shares() if self.hot else Signs() if self.greys == 2 else unet(1)

    def reduced(self, images: Tensor) -> Tensor:
        """uint8 images with as many grey values as there are."""
        if self.greys == 256:
            return images
        number = (images.float() / 255 * (self.greys - 1)).round()
        return (number / (self.greys - 1) * 255).round().to(torch.uint8)

    def data(self, images: Tensor) -> Tensor:
        """uint8 images as the process has them: in [-1, 1], or one-hot."""
        number = (images.float() / 255 * (self.greys - 1)).round()
        if self.hot:
            return torch.eye(GREYS)[number.long()]
        return 2 * number / (self.greys - 1) - 1

    def images(self, data: Tensor) -> Tensor:
        """The way back."""
        x = data.argmax(-1) / (GREYS - 1) if self.hot else (data + 1) / 2
        return (x.clamp(0, 1) * 255).round().to(torch.uint8)


_CLEAN = {"prediction": "x0", "drop": 0.0}
CASES = {
    "gaussian": Case(GAUSSIAN, sampler="ddim", fields={"objective": {"prediction": "v", "drop": 0.0}}),
    "blur": Case(
        Rotated(),
        sampler="ddim",
        fields={"schedule": Blur(blur=10), "objective": {"prediction": "v", "drop": 0.0}},
    ),
    "bits": Case(Bits(), greys=2, fields={"objective": {**_CLEAN, "kind": "cross_entropy"}}),
    "categories": Case(Categories(), greys=GREYS, fields={"objective": {**_CLEAN, "kind": "categorical"}}),
    "masked": Case(
        Masked(), greys=GREYS, fields={"schedule": {"kind": "flow"}, "objective": {**_CLEAN, "kind": "categorical"}}
    ),
}
COLD = {
    name: Case(process, fields={"schedule": {"kind": "flow"}, "objective": _CLEAN})
    for name, process in (("cold_blur", ColdBlur()), ("cold_pixels", ColdPixels()), ("cold_mask", ColdMask()))
}


def trained(name: str, case: Case, options: argparse.Namespace) -> Model[Any]:
    """Trains, or reads what was trained before."""
    file = options.folder / f"{name}.safetensors"
    if file.exists():
        return becalm.load(str(file), "cpu", network=case.network())
    held = Images(data=options.data).labelled("train")
    data = case.data(torch.from_numpy(held.images.copy()))
    training = {
        "steps": options.steps,
        "optimizer": "muon",
        "rate": 2e-3,
        "decay": "cooldown",
        "cooldown": 0.5,
        "precision": "bf16",
    }

    def watch(step: Any) -> None:
        if step.step % 100 == 0:
            print(f"\r{name}: step {step.step} of {options.steps}, loss {step.loss:.4f}\033[K", end="", file=sys.stderr)

    labels = torch.from_numpy(held.labels)
    model = becalm.fit(
        case.network(),
        data,
        cond=labels,
        process=case.process,
        training=training,
        batch=64,
        device="cpu",
        watch=watch,
        **case.fields,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    model.save(str(file))
    return model


def generated(name: str, case: Case, model: Model[Any], judge: Judge, test: Any, count: int) -> Tensor:
    """Samples; prints their figures and those of real digits."""
    labels = torch.arange(count) % 10
    made = case.images(model.sample(cond=labels, sampler=case.sampler, steps=STEPS, seed=0).data)
    real, true = torch.from_numpy(test.images[:count].copy()), torch.from_numpy(test.labels[:count].copy())
    ours, floor = judge.metrics(made, labels), judge.metrics(case.reduced(real), true)
    print(
        f"{name}: FID {shown(ours)}, accuracy {ours['accuracy']:.3f}; real digits, {case.greys} greys: {shown(floor)}"
    )
    return made


def shown(figures: dict[str, float]) -> str:
    """FID with its interval."""
    ends = f" ({figures['fid_low']:.2f} to {figures['fid_high']:.2f})" if "fid_low" in figures else ""
    return f"{figures['fid']:.2f}{ends}"


def restored(name: str, case: Case, model: Model[Any], judge: Judge, test: Any, count: int) -> list[Tensor]:
    """Degraded digits, restored by one call and level by level, and as they were; prints how far off they are."""
    real, labels = torch.from_numpy(test.images[:count].copy()), torch.from_numpy(test.labels[:count].copy())
    x0 = case.data(real)
    level = model.schedule(torch.tensor(1.0, dtype=torch.float64))
    rows = [case.images(case.process.corrupt(x0, level, torch.randn_like))]
    for steps in (1, STEPS):
        request: dict[str, Any] = {"sampler": case.sampler, "steps": steps, "seed": 0}
        made = case.images(last(model.edit(x0, cond=labels, start=1.0, **request)).x)
        off = float(((made.float() - real.float()) / 255).square().mean().sqrt())
        figures = judge.metrics(made, labels)
        print(f"{name}: {steps} steps: off by {off:.3f} (root mean square), FID {shown(figures)}")
        rows.append(made)
    return [*rows, real]


def drawn(rows: dict[str, Tensor], out: Path) -> None:
    """A line of ten images per name."""
    figure = Figure(figsize=(8, 0.85 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    for line, (name, images) in zip(figure.subplots(len(rows), 10), rows.items(), strict=True):
        for axis, image in zip(line, images, strict=False):
            axis.imshow(image[0], cmap="gray_r", vmin=0, vmax=255)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, fontsize=7, rotation=0, ha="right", va="center")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    print(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--only", default=",".join((*CASES, *COLD)))
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--folder", type=Path, default=Path("runs/processes"))
    options = parser.parse_args()
    judge, test = load_judge(find("mnist-judge")), Images(data=options.data).labelled("test")
    print(
        platform.machine(), f"torch {torch.__version__}, {options.steps} steps of 64, {options.count} samples, seed 0"
    )
    made: dict[str, Tensor] = {}
    back: dict[str, Tensor] = {}
    for name in options.only.split(","):
        case = {**CASES, **COLD}[name]
        model = trained(name, case, options)
        if name in CASES:
            made[name] = generated(name, case, model, judge, test, options.count)
        else:
            parts = restored(name, case, model, judge, test, options.count)
            back |= {
                f"{name}\n{what}": part for what, part in zip(("given", "1 call", "levels", "true"), parts, strict=True)
            }
    for rows, file in ((made, "method-processes.png"), (back, "method-restored.png")):
        if rows:
            drawn(rows, options.out / file)


if __name__ == "__main__":
    main()
