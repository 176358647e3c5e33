import io
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import torch
from PIL import Image
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.domain import Domain, Picture
from becalm.errors import unknown
from becalm.level import NoiseLevel
from becalm.noise import Purpose, normal
from becalm_toy.request import ToyRequest


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["mlp"] = "mlp"
    widths: tuple[int, ...] = Field((16,), min_length=1, description="Hidden widths.")
    pause: float = Field(0.0, ge=0, description="Seconds that a call sleeps.")


class Straight(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["straight"] = "straight"
    bias: bool = Field(True, description="Whether the map has a bias.")


PRESETS = {"wide": Shape(widths=(64,)), "deep": Shape(widths=(16, 16))}


def preset(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in PRESETS:
        raise unknown("network", value, PRESETS)
    return PRESETS[value].model_dump()


class Network(nn.Module):
    def __init__(self, shape: Shape | Straight) -> None:
        super().__init__()
        widths = [4, *(shape.widths if isinstance(shape, Shape) else ()), 2]
        layers: list[nn.Module] = []
        for left, right in pairwise(widths):
            layers += [nn.Linear(left, right), nn.SiLU()]
        self.layers = nn.Sequential(*layers[:-1])
        self.pause = shape.pause if isinstance(shape, Shape) else 0.0

    def forward(self, x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        time.sleep(self.pause)
        t = level.t.to(x).reshape(-1, 1).expand(len(x), 1)
        return self.layers(torch.cat([x, t, cond[:, None].to(x)], dim=1))


class Toy(Domain[Tensor]):
    name: ClassVar[str] = "toy"
    request: ClassVar[type[ToyRequest]] = ToyRequest

    data: str | None = Field(None, description="Nothing.")
    net: Annotated[Annotated[Shape | Straight, Field(discriminator="kind")], BeforeValidator(preset)] = Field(
        Shape(), description="Network."
    )
    batch: int = Field(8, ge=1, description="Points per batch.")
    seed: int = Field(0, description="Takes a name that training has.")
    spread: float = Field(0.1, gt=0, description="Width of a cloud.")
    unseeable: bool = Field(False, description="Whether pictures fail.")

    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Tensor]]:
        number = start
        while True:
            cond = torch.arange(self.batch) % 2
            eps = normal(seed, torch.arange(self.batch), number, Purpose.AUGMENT, (2,))
            yield Batch.dense(self.spread * eps + (2.0 * cond[:, None] - 1), cond)
            number += 1

    def doubts(self) -> list[str]:
        return ["the clouds overlap"] if self.spread > 5 else []

    def network(self) -> nn.Module:
        return Network(self.net)

    def shape(self) -> tuple[int, ...]:
        return (2,)

    def condition(self, request: ToyRequest) -> Tensor:
        return torch.full((request.count,), int(request.side == "right"))

    def drop(self, cond: Tensor) -> Tensor:
        return torch.full_like(cond, 2)

    def metrics(self, x0: Tensor, cond: Tensor) -> Mapping[str, float]:
        return {"distance": float((x0 - (2.0 * cond[:, None] - 1)).norm(dim=1).mean())}

    def render(self, x0: Tensor, cond: Tensor) -> Picture:
        if self.unseeable:
            raise RuntimeError("nothing to see")
        pixels = ((x0 + 3) / 6 * 31).round().clamp(0, 31).long()
        image = torch.zeros(32, 32, dtype=torch.uint8)
        image[pixels[:, 1], pixels[:, 0]] = 255
        buffer = io.BytesIO()
        Image.fromarray(image.numpy()).save(buffer, "PNG")
        return Picture("image/png", buffer.getvalue())
