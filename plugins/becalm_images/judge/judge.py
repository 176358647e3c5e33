"""The judge: a LeNet-5 whose 84 features say how close samples are to data (LeCun et al. 1998, with ReLU, max pooling).

Its file holds the network, the statistics of the training images under it, and the test images' features; so samples
can be judged without the data, beside as many real images, and every figure is bound to one checksum.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from becalm.device import building
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.gate.network import check_finite, fitted
from becalm.model.load import named
from becalm.noise import permutation
from becalm_images.data.labelled import Labelled
from becalm_images.judge.fidelity import moments
from becalm_images.judge.figures import Features, Reference, figures
from becalm_images.judge.fit import fit
from becalm_images.judge.origin import Origin, of_header

REFERENCES = 3000
REAL = 10_000


class LeNet(nn.Module):
    """Images in [-1, 1], (B, C, H, W), to logits; ``features`` are the 84 activations below the last layer."""

    def __init__(self, channels: int, height: int, width: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        flat = 16 * ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2)
        if flat < 1:
            raise UserError(f"the judge needs images of at least 12 x 12 pixels, got {height} x {width}")
        self.full1 = nn.Linear(flat, 120)
        self.full2 = nn.Linear(120, 84)
        self.leave = nn.Linear(84, classes)

    def features(self, x: Tensor) -> Tensor:
        """(B, 84)."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return F.relu(self.full2(F.relu(self.full1(x.flatten(1)))))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.leave(self.features(x))
        return logits


@dataclass(frozen=True, eq=False)
class Judge:
    """A judge with what it compares with.

    Attributes:
        real: Test images, at most 10,000, in an order of chance.
        sizes: Channels, height, width, classes of the images it knows.
        origin: Which images these are.
        digest: SHA-256 of the judge's file.
    """

    network: LeNet
    reference: Reference
    real: Features
    sizes: tuple[int, ...]
    origin: Origin
    digest: str

    def metrics(self, images: Tensor, labels: Tensor) -> dict[str, float]:
        """Figures of uint8 images (N, C, H, W) asked for by labels (N,), see ``figures``."""
        return figures(features_of(self.network, images, labels), self.real, self.reference)

    def floors(self, count: int) -> dict[str, float]:
        """Figures of sets of ``count`` real images, fewer than there are."""
        found = figures(self.real.take(slice(count)), self.real, self.reference)
        return {name.removesuffix("_floor"): value for name, value in found.items() if name.endswith("_floor")}


@torch.no_grad()
def features_of(network: LeNet, images: Tensor, labels: Tensor) -> Features:
    """uint8 images (N, C, H, W) and their labels as a judge's network sees them."""
    features = torch.cat([network.features(scaled(part)) for part in images.split(1000)])
    return Features(features, labels, network.leave(features).argmax(1) == labels)


def train_judge(
    train: Labelled,
    test: Labelled,
    *,
    name: str,
    epochs: int | None = 4,
    seed: int = 0,
    minutes: float | None = None,
    batch: int = 128,
    device: torch.device | str = "cpu",
) -> Iterator[float | Checkpoint]:
    """Trains a judge; yields the share done, then the checkpoint.

    Args:
        name: What the data are called.
        device: Where the network is trained; what it sees afterwards is computed on the CPU.
    """
    sizes = (*train.images.shape[1:], train.classes)
    images, labels = torch.from_numpy(train.images.copy()), torch.from_numpy(train.labels)
    near, right = images.to(device), labels.to(device)
    with building():
        torch.manual_seed(seed)
        network = LeNet(*sizes).to(device)

    def loss(index: Tensor, step: int | Tensor) -> Tensor:
        return F.cross_entropy(network(scaled(near[index])), right[index])

    yield from fit(network, loss, len(images), epochs=epochs, seed=seed, minutes=minutes, batch=batch)
    network.cpu()
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    statistics = _statistics(features_of(network, images, labels), train.classes)
    tensors |= {f"statistics.{name}": value for name, value in statistics.items()}
    origin = Origin(name, train.digest)
    config = {"kind": "judge", "sizes": list(sizes), "epochs": epochs, "seed": seed, **origin.header()}
    yield with_real(Checkpoint(tensors, config), test)


def with_real(judge: Checkpoint, test: Labelled) -> Checkpoint:
    """A judge's file with these test images, at most 10,000, as what its floors are computed from."""
    # Sets of them are cut from their order, and those of a folder lie by class, those of MNIST by who wrote them.
    order = permutation(0, 0, len(test.labels))[:REAL]
    images, labels = torch.from_numpy(test.images.copy())[order], torch.from_numpy(test.labels)[order]
    real = features_of(_network(judge), images, labels)
    tensors = {name: value for name, value in judge.tensors.items() if not name.startswith("real.")}
    tensors |= {"real.features": real.values.half(), "real.labels": real.labels.int(), "real.right": real.right}
    accuracy = float(real.right.double().mean())
    return Checkpoint(tensors, {**judge.config, "accuracy": accuracy})


def load_judge(path: Path) -> Judge:
    """A judge from its file, read once as long as the file is the same.

    Raises:
        UserError: If the file is damaged, no judge, or an old one.
    """
    return _kept(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=2)
def _kept(path: Path, changed: int) -> Judge:
    with named(path):
        return judge_of(Checkpoint.read(path), path)


def judge_of(checkpoint: Checkpoint, path: Path) -> Judge:
    """A judge from what its file at ``path`` holds.

    Raises:
        UserError: If it is no judge, or one from before judges had test images and said which data they are of.
    """
    if checkpoint.config.get("kind") != "judge":
        raise UserError(f"{path} is no judge: make one with becalm images judge")
    origin, tensors = of_header(checkpoint.config, path, "judge"), checkpoint.tensors
    if "real.features" not in tensors:
        raise UserError(f"{path} has no test images to compare with: make it anew with becalm images judge --data DIR")
    network = _network(checkpoint)
    _check_statistics(tensors, network.leave.out_features, path)
    names = {"features": "references", "mean": "mean", "cov": "cov", "means": "means", "covs": "covs"}
    reference = Reference(**{name: tensors[f"statistics.{stored}"] for name, stored in names.items()})
    real = Features(tensors["real.features"].float(), tensors["real.labels"].long(), tensors["real.right"])
    return Judge(network, reference, real, tuple(checkpoint.config["sizes"]), origin, checkpoint.digest)


def scaled(images: Tensor) -> Tensor:
    """uint8 images as floats in [-1, 1]."""
    return images.float() / 127.5 - 1


def _network(checkpoint: Checkpoint) -> LeNet:
    with building():
        network = fitted(lambda: LeNet(*checkpoint.config["sizes"]), checkpoint.below("network."))
    return network.eval().requires_grad_(False)


def _check_statistics(tensors: Mapping[str, Tensor], classes: int, path: Path) -> None:
    """Checks what stands beside the network: statistics of the training images, features of the test images."""
    width, none = 84, torch.empty(0)
    count, references = (len(tensors.get(name, none)) for name in ("real.features", "statistics.references"))
    shapes = {
        "statistics.mean": (width,),
        "statistics.cov": (width, width),
        "statistics.means": (classes, width),
        "statistics.covs": (classes, width, width),
        "statistics.references": (references, width),
        "real.features": (count, width),
        "real.labels": (count,),
        "real.right": (count,),
    }
    for name, shape in shapes.items():
        there = tuple(tensors[name].shape) if name in tensors else "none"
        if there != shape or not count or not references:
            raise UserError(f"{path} is no whole judge: {name} must be of shape {shape}, got {there}")
        check_finite(name, tensors[name])


def _statistics(train: Features, classes: int) -> dict[str, Tensor]:
    mean, cov = moments(train.values)
    each = [moments(train.values[train.labels == number]) for number in range(classes)]
    return {
        "mean": mean,
        "cov": cov,
        "means": torch.stack([part[0] for part in each]).float(),
        "covs": torch.stack([part[1] for part in each]).float(),
        "references": train.values[:REFERENCES].half(),
    }
