"""The image networks as configuration, with presets by name."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from becalm.preset import preset
from becalm_images.dit import DiT
from becalm_images.unet import UNet

Embedding = Literal["sinusoidal", "fourier"]


class UNetShape(BaseModel):
    """Sizes of a U-Net."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["unet"] = "unet"
    widths: tuple[int, ...] = Field((48, 96), min_length=1, description="Channels at each resolution, finest first.")
    blocks: int = Field(2, ge=1, description="Residual blocks per resolution.")
    fold: int = Field(2, ge=1, description="Side of the pixel-unshuffle before the first convolution.")
    attention: int = Field(1, ge=0, description="Resolutions with attention, counted from the coarsest.")
    heads: int = Field(4, ge=1, description="Attention heads.")
    groups: int = Field(8, ge=1, description="Groups of the group norms; divides every width.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in the residual blocks.")
    embedding: Embedding = Field("sinusoidal", description="Features of the noise level.")

    def build(self, image: tuple[int, int, int], classes: int, outputs: int) -> nn.Module:
        """A fresh network."""
        return UNet(image, classes, outputs=outputs, **self.model_dump(exclude={"kind"}))


class DiTShape(BaseModel):
    """Sizes of a diffusion transformer."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["dit"] = "dit"
    width: int = Field(192, ge=1, description="Channels of a token; divisible by heads.")
    depth: int = Field(6, ge=1, description="Layers.")
    heads: int = Field(6, ge=1, description="Attention heads.")
    patch: int = Field(4, ge=1, description="Side of a token's square of pixels.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in the perceptrons.")
    embedding: Embedding = Field("sinusoidal", description="Features of the noise level.")

    def build(self, image: tuple[int, int, int], classes: int, outputs: int) -> nn.Module:
        """A fresh network."""
        return DiT(image, classes, outputs=outputs, **self.model_dump(exclude={"kind"}))


PRESETS: dict[str, UNetShape | DiTShape] = {
    "unet-tiny": UNetShape(widths=(16, 32), blocks=1, groups=4),
    "unet-small": UNetShape(),
    "unet-base": UNetShape(widths=(96, 192), blocks=3, dropout=0.1),
    "dit-tiny": DiTShape(width=64, depth=2, heads=4),
    "dit-small": DiTShape(),
    "dit-base": DiTShape(width=384, depth=12, heads=6),
}


Architecture = Annotated[
    Annotated[UNetShape | DiTShape, Field(discriminator="kind")],
    preset("architecture", lambda: PRESETS),
]
