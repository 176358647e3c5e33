"""A classifier of noised images, whose gradient guides sampling (Dhariwal and Nichol 2021, section 4).

It sees x / sqrt(alpha^2 + sigma^2) and the level's angle, as the denoiser does, so one classifier serves every
schedule.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from becalm.denoiser import Denoiser
from becalm.device import building
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.gate.network import fitted
from becalm.guidance.protocol import Scale
from becalm.level import NoiseLevel
from becalm.model.load import named
from becalm.noise import Purpose, normal, uniform
from becalm.schedule import Cosine
from becalm_images.data.labelled import Labelled
from becalm_images.judge.fit import fit
from becalm_images.judge.judge import scaled
from becalm_images.judge.matching import class_direction, mismatch
from becalm_images.judge.origin import UNKNOWN, Origin, of_header
from becalm_images.networks.embedding import ClassAndNoise

_WEIGHT = 10.0
"""Of the gradient's error beside the cross entropy."""


WIDTHS = (32, 64, 64, 96, 96, 128)
HALVED = (1, 3)
_BEFORE = {"widths": (32, 48, 64, 96), "halved": (0, 2)}
"""Of the files of 0.1, which do not say it."""


class Classifier(nn.Module):
    """Noised images (B, C, H, W) and their level to logits (B, classes): convolutions modulated by the level.

    Args:
        widths: Of the convolutions.
        halved: Ranks of those that halve the image's sides.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        widths: Sequence[int] = WIDTHS,
        halved: Sequence[int] = HALVED,
        *,
        origin: Origin = UNKNOWN,
    ) -> None:
        super().__init__()
        self.channels, self.classes, self.origin = channels, classes, origin
        self.embed = ClassAndNoise(0, 128)
        widths_in = (channels, *widths[:-1])
        self.convs = nn.ModuleList(
            nn.Conv2d(width_in, width, 3, stride=1 + (rank in halved), padding=1)
            for rank, (width_in, width) in enumerate(zip(widths_in, widths, strict=True))
        )
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for width in widths)
        self.modulate = nn.ModuleList(nn.Linear(128, 2 * width) for width in widths)
        self.leave = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor, level: NoiseLevel) -> Tensor:
        null = torch.zeros(1, dtype=torch.long, device=x.device)
        embedding = F.silu(self.embed(level, null, x))
        for conv, norm, modulate in zip(self.convs, self.norms, self.modulate, strict=True):
            scale, shift = modulate(embedding)[:, :, None, None].chunk(2, dim=1)
            x = F.silu(norm(conv(x)) * (1 + scale) + shift)
        logits: Tensor = self.leave(x.mean((2, 3)))
        return logits

    def energy(self, x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        """-log p(label | x_t), (B,); 0 for null labels."""
        logits = self(x / level.total_std.to(x), level)
        known = cond < logits.shape[1]
        value = F.cross_entropy(logits, torch.where(known, cond, 0), reduction="none")
        return torch.where(known, value, torch.zeros_like(value))


def train_classifier(
    train: Labelled,
    test: Labelled,
    *,
    name: str,
    epochs: int | None = 3,
    seed: int = 0,
    minutes: float | None = None,
    denoise: Denoiser[Tensor] | None = None,
    batch: int = 128,
    matched: int = 32,
    device: torch.device | str = "cpu",
) -> Iterator[float | Checkpoint]:
    """Trains a classifier on images noised to uniform times of the cosine schedule.

    Args:
        name: What the data are called.
        denoise: Model of the data whose class direction the gradient learns, see ``mismatch``.
        batch: Images of a step.
        matched: Of them, those whose gradient is looked at: a model's two calls cost more than all else.
        device: Where it is trained, and the model computes.

    Yields:
        The share done, and at last the checkpoint.
    """
    schedule = Cosine()
    images, labels = torch.from_numpy(train.images.copy()).to(device), torch.from_numpy(train.labels).to(device)
    with building():
        torch.manual_seed(seed)
        network = Classifier(train.images.shape[1], train.classes).to(device)

    def noised(pixels: Tensor, step: int | Tensor, purpose: Purpose) -> tuple[Tensor, NoiseLevel]:
        x0, sample = scaled(pixels), torch.arange(len(pixels), device=device)
        level = schedule(uniform(seed, sample, step, purpose)).spread(x0)
        return level.mix(x0, normal(seed, sample, step, Purpose.TRAIN_NOISE, tuple(x0.shape[1:]))), level

    def loss(index: Tensor, step: int | Tensor) -> Tensor:
        x, level = noised(images[index], step, Purpose.TRAIN_TIME)
        value = F.cross_entropy(network(x, level), labels[index])
        return value if denoise is None else value + _WEIGHT * gradient_loss(denoise, index[:matched], step)

    def gradient_loss(denoise: Denoiser[Tensor], index: Tensor, step: int | Tensor) -> Tensor:
        x, level = noised(images[index], step, Purpose.TRAIN_TIME)
        mine = labels[index]
        direction = class_direction(denoise, x, level, mine, torch.full_like(mine, train.classes))
        return mismatch(network.energy(x.requires_grad_(), level, mine), x, level, direction)

    yield from fit(network, loss, len(images), epochs=epochs, seed=seed, minutes=minutes, batch=batch)
    with torch.no_grad():
        x, level = noised(torch.from_numpy(test.images[:2000].copy()).to(device), 0, Purpose.VALIDATE)
        right = network(x, level).argmax(1).cpu() == torch.from_numpy(test.labels[:2000])
    config = {
        "kind": "classifier",
        "channels": train.images.shape[1],
        "classes": train.classes,
        "epochs": epochs,
        "seed": seed,
        "batch": batch,
        "matched": 0 if denoise is None else matched,
        "widths": list(WIDTHS),
        "halved": list(HALVED),
        "accuracy_over_noise": float(right.float().mean()),
        **Origin(name, train.digest).header(),
    }
    yield Checkpoint({f"network.{name}": value for name, value in network.cpu().state_dict().items()}, config)


def load_classifier(path: Path) -> Classifier:
    """A classifier from its file.

    Raises:
        UserError: If the file is damaged, no classifier, or does not say which data it is of.
    """
    with named(path):
        return _classifier_of(Checkpoint.read(path), path)


def _classifier_of(checkpoint: Checkpoint, path: Path) -> Classifier:
    if checkpoint.config.get("kind") != "classifier":
        raise UserError(f"{path} is no noise-aware classifier: make one with becalm images classifier")
    origin = of_header(checkpoint.config, path, "classifier")
    config = {**_BEFORE, **checkpoint.config}

    def make() -> Classifier:
        return Classifier(config["channels"], config["classes"], config["widths"], config["halved"], origin=origin)

    with building():
        return fitted(make, checkpoint.below("network.")).eval().requires_grad_(False)


def shared_classifier(path: Path, device: str = "cpu") -> Classifier:
    """The same, loaded and moved to a device once as long as the file is the same.

    Raises:
        UserError: If the file is damaged or no classifier.
    """
    return _kept(path, device, path.stat().st_mtime_ns if path.is_file() else 0)


def class_energy(path: Path, x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
    """``Classifier.energy`` of the classifier in a file, on x's device."""
    return shared_classifier(path, str(x.device)).energy(x, level, cond)


def growing(start: float, end: float) -> Scale:
    """A scale that grows from pure noise to none with the share of signal, alpha^2 / (alpha^2 + sigma^2)."""
    if start == end:
        return end
    return lambda level: start + (end - start) * level.alpha**2 / (level.alpha**2 + level.sigma**2)


@lru_cache(maxsize=4)
def _kept(path: Path, device: str, changed: int) -> Classifier:
    return load_classifier(path).to(device)
