"""A whole domain in a page: labelled points of a plane. What the tests of core train, sample and break."""

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.codec import Affine
from becalm.domain import Domain, Picture
from becalm.guidance import Energy
from becalm.level import NoiseLevel
from becalm.model import Model
from becalm.noise import Purpose, normal, uniform
from becalm.objective import Objective
from becalm.request import SampleRequest
from becalm.schedule import Cosine, NoiseSchedule


class PointRequest(SampleRequest):
    """Points of one cluster, or of every cluster in turn."""

    label: int | None = Field(None, ge=0, description="Cluster; none: each in turn.")


class Perceptron(nn.Module):
    """A small network of (x, level, cond) with features of the noise level, as any real one has."""

    def __init__(self, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.exp(torch.linspace(0.0, 5.0, 8)))
        self.label = nn.Embedding(classes + 1, 8)
        self.net = nn.Sequential(
            nn.Linear(2 + 16 + 8, width),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 2),
        )

    def forward(self, x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        phase = level.angle.to(torch.float32).reshape(-1, 1) * self.frequencies
        time = torch.cat([phase.sin(), phase.cos()], dim=1).expand(len(x), -1)
        out: Tensor = self.net(torch.cat([x, time, self.label(cond)], dim=1))
        return out


class Points(Domain[Tensor]):
    """Clusters of a plane. The condition is (B,) labels; label ``classes`` is the null one."""

    name: ClassVar[str] = "points"
    request: ClassVar[type[PointRequest]] = PointRequest
    chunk: ClassVar[int | None] = 16

    classes: int = Field(2, ge=1, description="Number of clusters.")
    spread: float = Field(0.3, gt=0, description="Standard deviation of a cluster.")
    width: int = Field(32, ge=1, description="Width of the network.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout of the network.")
    batch: int = Field(32, ge=1, description="Points per training batch.")
    broken: bool = Field(False, description="Whether the data hold NaN.")

    def means(self) -> Tensor:
        """Centres of the clusters, (classes, 2)."""
        angle = 2 * torch.pi * torch.arange(self.classes) / self.classes
        return torch.stack([2.0 * angle.cos() + 1.0, angle.sin()], dim=1)

    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Tensor]]:
        number = start
        place = torch.arange(self.batch)
        purpose = Purpose.AUGMENT if split == "train" else Purpose.VALIDATE
        while True:
            label = (uniform(seed, place, number, Purpose.CONDITION) * self.classes).long()
            data = self.means()[label] + self.spread * normal(seed, place, number, purpose, (2,))
            yield Batch.dense(data * torch.nan if self.broken else data, label)
            number += 1

    def network(self) -> nn.Module:
        return Perceptron(self.width, self.classes, self.dropout)

    def shape(self) -> tuple[int, ...]:
        return (2,)

    def codec(self) -> Affine:
        return Affine(torch.tensor([1.0, 0.0]), torch.tensor([2.0, 1.0]))

    def condition(self, request: Any) -> Tensor:
        if request.label is not None:
            return torch.full((request.count,), request.label)
        return torch.arange(request.first, request.first + request.count) % self.classes

    def drop(self, cond: Tensor) -> Tensor:
        return torch.full_like(cond, self.classes)

    def energies(self) -> Mapping[str, Energy[Tensor]]:
        return {"left": lambda x, level, cond: x[:, 0]}

    def metrics(self, data: Tensor, cond: Tensor) -> Mapping[str, float]:
        distance = (data - self.means()[cond]).norm(dim=1)
        return {"distance": float(distance.mean())}

    def render(self, data: Tensor, cond: Tensor) -> Picture:
        rows = (f'<circle cx="{x:.3f}" cy="{y:.3f}" r=".02"/>' for x, y in data.tolist())
        return Picture("image/svg+xml", f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(rows)}</svg>'.encode())


def model(domain: Domain[Any] | None = None, schedule: NoiseSchedule | None = None, **objective: Any) -> Model[Any]:
    """An untrained model: fit for every law that does not need good samples."""
    domain = domain or Points()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = domain.network().eval().requires_grad_(False)
    cpu = torch.device("cpu")
    return Model(domain, schedule or Cosine(), Objective(**objective), network, domain.codec(), cpu, {})


def install(folder: Path, name: str, source: str) -> None:
    """Puts a distribution with one plugin module into a folder of the path, as pip would."""
    (folder / f"{name}.py").write_text(textwrap.dedent(source))
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[becalm]\n{name} = {name}\n")


POINTS = """
    from becalm.plugin.hooks import DomainRef, hookimpl

    @hookimpl
    def domains():
        return [DomainRef(name="points", summary="Points of a plane.", target="toy:Points")]
"""
