"""The judge: a LeNet-5 whose 84 features say how close samples are to data (LeCun et al. 1998, with ReLU, max pooling).

Its file holds the network, the statistics of the training images under it, and the floors that real test images
reach; so samples can be judged without the data, and every figure is bound to one checksum.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.model import load_part
from becalm_images.data.labelled import Labelled
from becalm_images.judge.fidelity import frechet, moments, precision_recall
from becalm_images.judge.fit import fit

REFERENCES = 3000


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
    """A judge with its reference statistics.

    Attributes:
        statistics: ``mean``, ``cov`` of all training images, ``means`` (K, 84), ``covs`` (K, 84, 84) per class,
            ``references`` (3000, 84).
        sizes: Channels, height, width, classes of the images it knows.
        floors: The figures of real test images.
        digest: SHA-256 of the judge's file.
    """

    network: LeNet
    statistics: Mapping[str, Tensor]
    sizes: tuple[int, ...]
    floors: Mapping[str, float]
    digest: str

    @torch.no_grad()
    def metrics(self, images: Tensor, labels: Tensor) -> dict[str, float]:
        """Figures of uint8 images (N, C, H, W) asked for by labels (N,); null labels have no accuracy."""
        classes = self.network.leave.out_features
        pairs = [_features_and_logits(self.network, part) for part in images.split(1000)]
        features, logits = (torch.cat(values) for values in zip(*pairs, strict=True))
        known = labels < classes
        figures: dict[str, float] = {}
        enough = len(features) > 84
        if enough:
            figures["fid"] = frechet((self.statistics["mean"], self.statistics["cov"]), moments(features))
        references = self.statistics["references"].float()
        if len(features) > 3:
            figures["precision"], figures["recall"] = precision_recall(references, features[: len(references)])
        if bool(known.any()):
            right = logits.argmax(1) == labels
            figures["accuracy"] = float(right[known].float().mean())
        if not enough:
            return figures
        for number in range(classes):
            mine = features[labels == number]
            if len(mine) > 84:
                reference = (self.statistics["means"][number].double(), self.statistics["covs"][number].double())
                figures[f"fid_{number}"] = frechet(reference, moments(mine))
        return figures


def train_judge(
    train: Labelled, test: Labelled, *, epochs: int | None = 4, seed: int = 0, minutes: float | None = None
) -> Iterator[float | Checkpoint]:
    """Trains a judge; yields the share done, then the checkpoint."""
    sizes = (*train.images.shape[1:], train.classes)
    images, labels = torch.from_numpy(train.images.copy()), torch.from_numpy(train.labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LeNet(*sizes)

    def loss(index: Tensor, step: int) -> Tensor:
        return F.cross_entropy(network(scaled(images[index])), labels[index])

    yield from fit(network, loss, len(images), epochs=epochs, seed=seed, minutes=minutes)
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    statistics = _statistics(network, images, labels, train.classes)
    judge = Judge(network, statistics, sizes, {}, "")
    floors = judge.metrics(torch.from_numpy(test.images.copy()), torch.from_numpy(test.labels))
    tensors |= {f"statistics.{name}": value for name, value in statistics.items()}
    yield Checkpoint(tensors, {"kind": "judge", "sizes": list(sizes), "floors": floors, "epochs": epochs, "seed": seed})


def load_judge(path: Path) -> Judge:
    """A judge from its file.

    Raises:
        UserError: If the file is damaged or no judge.
    """
    checkpoint = Checkpoint.read(path)
    if checkpoint.config.get("kind") != "judge":
        raise UserError(f"{path} is no judge: make one with becalm images train-judge")
    network = LeNet(*checkpoint.config["sizes"])
    load_part(network, checkpoint, "network.")
    statistics = {
        key.removeprefix("statistics."): value
        for key, value in checkpoint.tensors.items()
        if key.startswith("statistics.")
    }
    network = network.eval().requires_grad_(False)
    sizes = tuple(checkpoint.config["sizes"])
    return Judge(network, statistics, sizes, checkpoint.config["floors"], checkpoint.digest)


def scaled(images: Tensor) -> Tensor:
    """uint8 images as floats in [-1, 1]."""
    return images.float() / 127.5 - 1


def _features_and_logits(network: LeNet, images: Tensor) -> tuple[Tensor, Tensor]:
    features = network.features(scaled(images))
    return features, network.leave(features)


@torch.no_grad()
def _statistics(network: LeNet, images: Tensor, labels: Tensor, classes: int) -> dict[str, Tensor]:
    features = torch.cat([network.features(scaled(part)) for part in images.split(1000)])
    mean, cov = moments(features)
    each = [moments(features[labels == number]) for number in range(classes)]
    return {
        "mean": mean,
        "cov": cov,
        "means": torch.stack([part[0] for part in each]).float(),
        "covs": torch.stack([part[1] for part in each]).float(),
        "references": features[:REFERENCES].half(),
    }
