"""A policy network that sees: an encoder for each camera before the network that knows features alone.

Pictures are encoded once for a chunk (``becalm.network.embeds``), and what the encoders see stands beside the features
of its step. Where demonstrations know what acting does not, such as an object's pose, a small perceptron learns to tell
it from what is seen, and the network is told that too.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from becalm.errors import UserError, unknown
from becalm.level import NoiseLevel
from becalm.plugin.settings import Settings
from becalm_policies.networks.condition import Observed
from becalm_policies.networks.encoder import Encoder, in_full
from becalm_policies.networks.lerobot_encoder import RGBEncoder, RGBEncoders
from becalm_policies.networks.resnet import Norm, trunk

Size = tuple[int, int]
_Side = Annotated[int, Field(ge=1, le=10_000)]
Sides = tuple[_Side, _Side]


class _Looking(Settings):
    """How pictures are looked at, whatever the encoder."""

    blank: bool = Field(
        True, description="A picture that is all black tells nothing, as guidance needs it; else it is as any other."
    )
    frames: int = Field(1, ge=1, le=10_000, description="Newest pictures that are looked at, of history at most.")
    keypoints: int = Field(32, ge=1, description="Points that an encoder finds in a picture.")
    told: int = Field(256, ge=1, description="Width of the perceptron that tells what is hidden.")

    @property
    @abstractmethod
    def entries(self) -> int:
        """What is seen in a picture."""

    @abstractmethod
    def encoders(self, sizes: Sequence[Size]) -> nn.Module:
        """Called with the pictures of all cameras, uint8 (B, f, 3, H, W) each: (B, f, entries) of each."""

    def seen(self, cameras: int, hidden: int) -> int:
        """E: entries that are seen at a step, and told."""
        return self.entries * cameras + hidden

    def before(self, network: nn.Module, cameras: Mapping[str, Size], *, features: int, hidden: int) -> nn.Module:
        """A network of features (B, To, F + E) as one that sees; itself where there is no camera."""
        return Seeing(network, self, cameras, features=features, hidden=hidden) if cameras else network


class PatchVision(_Looking):
    """By a small encoder for each camera, see ``encoder``."""

    kind: Literal["patches"] = "patches"
    crop: float = Field(
        0.875, gt=0, le=1, description="Share of each side: a random part in training, then the middle."
    )
    patch: int = Field(4, ge=1, description="Side in pixels of the patches that an encoder begins with.")
    widths: tuple[int, ...] = Field((32, 64, 64), min_length=1, description="Channels per stage of an encoder.")
    outline: int = Field(64, ge=0, description="Entries that are linear in all places of a picture; 0 for none.")

    def encoders(self, sizes: Sequence[Size]) -> nn.Module:
        return Each(self._encoder(size) for size in sizes)

    def _encoder(self, size: Size) -> Encoder:
        return Encoder(
            size,
            crop=self.crop,
            patch=self.patch,
            widths=self.widths,
            keypoints=self.keypoints,
            outline=self.outline,
        )

    @property
    def entries(self) -> int:
        return 2 * self.keypoints + self.outline


class ResNetVision(_Looking):
    """By LeRobot's encoder, see ``lerobot_encoder``."""

    kind: Literal["resnet"] = "resnet"
    depth: Literal[18, 34] = Field(18, description="Layers of the ResNet.")
    norm: Norm = Field("group", description="Norm of groups of channels, or of batches by statistics that stay.")
    shared: bool = Field(False, description="Whether one encoder looks at all cameras.")
    resized: Sides | None = Field(None, description="Height and width that pictures are brought to first.")
    cropped: Sides | None = Field(
        None, description="Height and width of the part that is looked at: a random one in training, then the middle."
    )

    @property
    def entries(self) -> int:
        return 2 * self.keypoints

    def encoder(self, size: Size) -> RGBEncoder:
        """The encoder of pictures of that height and width.

        Raises:
            UserError: If the part is no part of them.
        """
        whole = self.resized or size
        if self.cropped is not None and (self.cropped[0] > whole[0] or self.cropped[1] > whole[1]):
            raise UserError(f"vision.cropped must be at most {list(whole)}, got {list(self.cropped)}")
        backbone = trunk(self.depth, self.norm)
        return RGBEncoder(backbone, size, resized=self.resized, cropped=self.cropped, keypoints=self.keypoints)

    def encoders(self, sizes: Sequence[Size]) -> nn.Module:
        if self.shared and len(set(sizes)) > 1:
            raise UserError(f"vision.shared needs cameras of one size, got {', '.join(map(str, sizes))}")
        return RGBEncoders([self.encoder(size) for size in (sizes[:1] if self.shared else sizes)], len(sizes))


def _with_kind(value: Any) -> Any:
    """Settings by the name of their kind; those of no kind, as all were at first, are of patches."""
    if isinstance(value, str):
        if value not in _KINDS:
            raise unknown("vision", value, _KINDS)
        return {"kind": value}
    return {"kind": "patches", **value} if isinstance(value, Mapping) else value


_KINDS = ("patches", "resnet")
Vision = Annotated[
    Annotated[PatchVision | ResNetVision, Field(discriminator="kind")],
    BeforeValidator(_with_kind, json_schema_input_type=str | dict[str, Any]),
]


class Each(nn.ModuleList):
    """An encoder for each camera."""

    def forward(self, cameras: Sequence[Tensor]) -> Iterator[Tensor]:
        """What each sees in its pictures."""
        return (encoder(pictures) for encoder, pictures in zip(self, cameras, strict=True))


class Seeing(nn.Module):
    """A policy network with its encoders.

    Args:
        network: Called with features (B, To, F + E).
        cameras: Names and sizes of the cameras.
        features: F. hidden: H, entries to tell, 0 for none.
    """

    def __init__(
        self, network: nn.Module, vision: _Looking, cameras: Mapping[str, Size], *, features: int, hidden: int
    ) -> None:
        super().__init__()
        self.network = network
        self.names = tuple(cameras)
        # By number: a name may hold a dot.
        self.encoders = vision.encoders([*cameras.values()])
        self.blank = vision.blank
        inputs = features + vision.seen(len(cameras), 0)
        self.tell = None if not hidden else nn.Sequential(
            nn.Linear(inputs, vision.told), nn.SiLU(), nn.Linear(vision.told, vision.told), nn.SiLU(),
            nn.Linear(vision.told, hidden),
        )  # fmt: skip

    def embed(self, cond: Observed) -> Observed:
        """The condition with what is seen, and told, of its pictures."""
        cameras = [(cond.cameras or {})[name] for name in self.names]
        # What is all black tells nothing: so says the null condition of guidance.
        lit = [pictures.flatten(2).any(2, keepdim=True) | (not self.blank) for pictures in cameras]
        seen = torch.cat([each * there for each, there in zip(self.encoders(cameras), lit, strict=True)], dim=2)
        told = None
        if self.tell is not None:
            told = in_full(self.tell, torch.cat([cond.features[:, -seen.shape[1] :], seen], dim=2))
            told = told * torch.cat(lit, dim=2).any(2, keepdim=True)
            seen = torch.cat([seen, told], dim=2)
        # Older steps have the oldest of the pictures.
        older = seen[:, :1].expand(-1, cond.features.shape[1] - seen.shape[1], -1)
        return replace(cond, seen=torch.cat([older, seen], dim=1), told=told)

    def bare(self, cond: Observed) -> Observed:
        """The condition as it was."""
        return replace(cond, seen=None, told=None)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        """The network's output, (B, Tp, A)."""
        if cond.seen is None:
            cond = self.embed(cond)
        seen: Any = cond.seen
        output: Tensor = self.network(x, level, replace(cond, features=torch.cat([cond.features, seen], dim=2)))
        return output


def telling(estimate: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
    """Mean squared error of what is told of hidden entries, (B,); the estimate has no part in it.

    Raises:
        ValueError: If the condition has nothing hidden, or is not embedded.
    """
    if cond.told is None or cond.hidden is None:
        raise ValueError("telling needs conditions of training, with what is hidden, and embedded")
    return (cond.told - cond.hidden).square().mean((1, 2))
