"""The image networks as configuration, with presets by name."""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from torch import nn

from becalm.errors import UserError
from becalm.plugin.preset import preset
from becalm.plugin.settings import Settings
from becalm_images.networks.dit import DiT
from becalm_images.networks.unet import UNet
from becalm_images.networks.unet2d import Conditioning, UNet2D

Embedding = Literal["sinusoidal", "fourier"]

MOST = 4096
"""Positions that a training attends over at most, as a diffusion transformer does on 256 x 256 by patches of 4."""


class _Shape(Settings, ABC):
    """Sizes of a network."""

    network: ClassVar[type[nn.Module]]
    larger: ClassVar[str]
    """Flags that make positions larger."""

    def build(self, image: tuple[int, int, int], classes: int, outputs: int) -> nn.Module:
        """A fresh network for images (channels, height, width)."""
        return self.network(image, classes, outputs=outputs, **self.model_dump(exclude={"kind"}))

    @property
    @abstractmethod
    def side(self) -> int:
        """Pixels on a side of a position where attention is finest; 0 where there is no attention."""

    def check_cost(self, height: int, width: int) -> None:
        """Refuses images that it would attend over at absurd cost, which grows by the square of the positions.

        Raises:
            UserError: If there are more positions than MOST.
        """
        positions = -(-height // self.side) * -(-width // self.side) if self.side else 0
        if positions > MOST:
            raise UserError(
                f"on images of {height} x {width} this architecture attends over {positions} positions, more than "
                f"{MOST} cost too much: scale them by --resize, or name {self.larger}"
            )


class UNetShape(_Shape):
    """Sizes of a U-Net."""

    network: ClassVar[type[nn.Module]] = UNet
    larger: ClassVar[str] = "more --architecture.widths"
    kind: Literal["unet"] = "unet"
    widths: tuple[int, ...] = Field((48, 96), min_length=1, description="Channels at each resolution, finest first.")
    blocks: int = Field(2, ge=1, description="Residual blocks per resolution.")
    fold: int = Field(2, ge=1, description="Side of the pixel-unshuffle before the first convolution.")
    attention: int = Field(1, ge=0, description="Resolutions with attention, counted from the coarsest.")
    heads: int = Field(4, ge=1, description="Attention heads.")
    groups: int = Field(8, ge=1, description="Groups of the group norms; divides every width.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in the residual blocks.")
    embedding: Embedding = Field("sinusoidal", description="Features of the noise level.")

    @model_validator(mode="after")
    def _check(self) -> "UNetShape":
        attends = self.widths[-max(self.attention, 1) :]
        for what, number, widths in (("groups", self.groups, self.widths), ("heads", self.heads, attends)):
            for width in widths:
                if width < 1 or width % number:
                    raise ValueError(f"every width must divide by {what} {number}, got {width}")
        return self

    @property
    def side(self) -> int:
        # The middle attends in any case.
        return int(self.fold * 2 ** max(len(self.widths) - max(self.attention, 1), 0))


class DiTShape(_Shape):
    """Sizes of a diffusion transformer."""

    network: ClassVar[type[nn.Module]] = DiT
    larger: ClassVar[str] = "a larger --architecture.patch"
    kind: Literal["dit"] = "dit"
    width: int = Field(192, ge=1, description="Channels of a token; divisible by heads.")
    depth: int = Field(6, ge=1, description="Layers.")
    heads: int = Field(6, ge=1, description="Attention heads.")
    patch: int = Field(4, ge=1, description="Side of a token's square of pixels.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in the perceptrons.")
    embedding: Embedding = Field("sinusoidal", description="Features of the noise level.")

    @model_validator(mode="after")
    def _check(self) -> "DiTShape":
        if self.width % self.heads:
            raise ValueError(f"width must divide by heads {self.heads}, got {self.width}")
        return self

    @property
    def side(self) -> int:
        return self.patch


class UNet2DShape(_Shape):
    """Sizes of the U-Net that diffusers has as well, see ``becalm_images.networks.unet2d``."""

    network: ClassVar[type[nn.Module]] = UNet2D
    larger: ClassVar[str] = "more --architecture.widths, with --architecture.attention at the last"
    kind: Literal["unet2d"] = "unet2d"
    widths: tuple[int, ...] = Field((48, 96, 96), min_length=1, description="Channels per resolution, finest first.")
    blocks: int = Field(2, ge=1, description="Residual blocks per resolution.")
    attention: tuple[int, ...] = Field((2,), description="Resolutions with attention, 0 the finest.")
    middle_attention: bool = Field(True, description="Attention in the middle.")
    head_width: int | None = Field(24, ge=1, description="Channels of an attention head; none: a single head.")
    groups: int = Field(8, ge=1, description="Groups of the group norms; divides every width.")
    middle_groups: int | None = Field(
        None, ge=1, description="Groups before the middle attention; default: groups, and with scaled no norm."
    )
    epsilon: float = Field(1e-5, gt=0, description="Added to the variance in the group norms.")
    scaled: bool = Field(True, description="The noise level scales as well as shifts.")
    padding: int = Field(1, ge=0, le=1, description="Padding of the strided convolutions; 0: at the far edges only.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in the residual blocks.")
    timesteps: int = Field(1000, ge=1, le=1_000_000, description="Indices of noise from clean to noise.")
    cosine_first: bool = Field(True, description="Order of the features of the noise level.")
    shift: int = Field(0, ge=0, le=1, description="Where the frequencies of these features end.")
    conditioning: Conditioning = Field("guided", description="Classes and a null class, classes alone, or none.")

    @property
    def side(self) -> int:
        ranks = [*self.attention, *([len(self.widths) - 1] if self.middle_attention else [])]
        return int(2 ** min(ranks)) if ranks else 0

    @model_validator(mode="after")
    def _check(self) -> "UNet2DShape":
        for width in self.widths:
            if width % self.groups or width % (self.head_width or 1):
                raise ValueError(
                    f"every width must divide by groups {self.groups} and head_width {self.head_width}, got {width}"
                )
        if self.widths[0] % 2 or self.widths[0] < 4:
            raise ValueError(f"the first width must be even and at least 4, got {self.widths[0]}")
        for rank in self.attention:
            if not 0 <= rank < len(self.widths):
                raise ValueError(f"attention must name resolutions from 0 to {len(self.widths) - 1}, got {rank}")
        return self


PRESETS: dict[str, UNetShape | DiTShape | UNet2DShape] = {
    "unet-tiny": UNetShape(widths=(16, 32), blocks=1, groups=4),
    "unet-small": UNetShape(),
    "unet-base": UNetShape(widths=(96, 192), blocks=3, dropout=0.1),
    "dit-tiny": DiTShape(width=64, depth=2, heads=4),
    "dit-small": DiTShape(),
    "dit-base": DiTShape(width=384, depth=12, heads=6),
    "unet2d-tiny": UNet2DShape(widths=(16, 32, 32), blocks=1, groups=4, head_width=8),
    "unet2d-small": UNet2DShape(),
}


Architecture = Annotated[
    Annotated[UNetShape | DiTShape | UNet2DShape, Field(discriminator="kind")],
    preset("architecture", lambda: PRESETS),
]
