"""The policy networks as configuration, with presets by name."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from torch import nn

from becalm.plugin.preset import preset
from becalm.plugin.settings import Settings
from becalm_policies.networks.lerobot_unet import LeRobotUNet
from becalm_policies.networks.mlp import MLP
from becalm_policies.networks.sieve import Sieve
from becalm_policies.networks.transformer import Transformer
from becalm_policies.networks.unet1d import UNet1D


class _Shape(Settings):
    """Sizes of a network."""

    network: ClassVar[type[nn.Module]]

    def build(self, horizon: int, actions: int, history: int, features: int) -> nn.Module:
        """A fresh network for chunks (B, horizon, actions) under features (B, history, features)."""
        return self.network(horizon, actions, history, features, **self.model_dump(exclude={"kind"}))


class MLPShape(_Shape):
    """Sizes of a residual perceptron."""

    network: ClassVar[type[nn.Module]] = MLP
    kind: Literal["mlp"] = "mlp"
    width: int = Field(512, ge=1, description="Width of the hidden layers.")
    blocks: int = Field(6, ge=1, description="Residual blocks of two layers.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout within the blocks.")
    octaves: int = Field(0, ge=0, le=12, description="Octaves of waves of x beside it, for sharp edges.")


class SieveShape(_Shape):
    """Sizes of a perceptron that is told everything again at every layer."""

    network: ClassVar[type[nn.Module]] = Sieve
    kind: Literal["sieve"] = "sieve"
    width: int = Field(512, ge=1, description="Width of the hidden layers.")
    layers: int = Field(3, ge=1, description="Hidden layers.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout after each.")


class UNetShape(_Shape):
    """Sizes of a U-Net along the chunk's time."""

    network: ClassVar[type[nn.Module]] = UNet1D
    kind: Literal["unet"] = "unet"
    widths: tuple[int, ...] = Field((256, 512, 1024), min_length=1, description="Channels per level of resolution.")
    kernel: int = Field(5, ge=1, description="Actions that a convolution sees, odd.")
    groups: int = Field(8, ge=1, description="Groups of group normalisation.")

    @model_validator(mode="after")
    def _check(self) -> "UNetShape":
        check_convolutions(self.widths, self.kernel, self.groups)
        return self


class LeRobotUNetShape(_Shape):
    """Sizes of LeRobot's U-Net, for policies that come from there and for schedules that are tables."""

    network: ClassVar[type[nn.Module]] = LeRobotUNet
    kind: Literal["lerobot-unet"] = "lerobot-unet"
    widths: tuple[int, ...] = Field((512, 1024, 2048), min_length=1, description="Channels per level of resolution.")
    kernel: int = Field(5, ge=1, description="Actions that a convolution sees, odd.")
    groups: int = Field(8, ge=1, description="Groups of group normalisation.")
    embedding: int = Field(128, ge=4, multiple_of=2, description="Entries that tell the noise level.")
    timesteps: int = Field(100, ge=1, le=1_000_000, description="Steps of the schedule's table of betas.")
    scales: bool = Field(True, description="Whether the condition scales channels, and does not only shift them.")

    @model_validator(mode="after")
    def _check(self) -> "LeRobotUNetShape":
        check_convolutions(self.widths, self.kernel, self.groups)
        if self.widths[0] % 8:
            raise ValueError(f"the first of widths must be a multiple of 8, got {self.widths[0]}")
        return self


class TransformerShape(_Shape):
    """Sizes of a transformer over the chunk's actions."""

    network: ClassVar[type[nn.Module]] = Transformer
    kind: Literal["transformer"] = "transformer"
    width: int = Field(256, ge=1, description="Width of a token.")
    depth: int = Field(8, ge=1, description="Layers.")
    heads: int = Field(4, ge=1, description="Heads of attention.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout within the layers.")

    @model_validator(mode="after")
    def _check(self) -> "TransformerShape":
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads, {self.heads}, got {self.width}")
        return self


def check_convolutions(widths: tuple[int, ...], kernel: int, groups: int) -> None:
    """Refuses convolutions without a middle, and channels that do not fall into groups.

    Raises:
        ValueError: If so.
    """
    if kernel % 2 == 0:
        raise ValueError(f"kernel must be odd, got {kernel}")
    for width in widths:
        if width < 1 or width % groups:
            raise ValueError(f"widths must be multiples of groups, {groups}, got {width}")


Shape = MLPShape | SieveShape | UNetShape | LeRobotUNetShape | TransformerShape

PRESETS: dict[str, Shape] = {
    "mlp-tiny": MLPShape(width=128, blocks=3),
    "mlp-small": MLPShape(width=256, blocks=4),
    "mlp-base": MLPShape(),
    "mlp-sharp": MLPShape(width=384, blocks=4, octaves=5),
    "sieve-tiny": SieveShape(width=128),
    "sieve-small": SieveShape(width=256),
    "sieve-base": SieveShape(),
    "unet-tiny": UNetShape(widths=(32, 64)),
    "unet-small": UNetShape(widths=(64, 128, 256)),
    "unet-base": UNetShape(),
    "transformer-tiny": TransformerShape(width=64, depth=2),
    "transformer-small": TransformerShape(width=128, depth=4),
    "transformer-base": TransformerShape(),
}


Architecture = Annotated[
    Annotated[Shape, Field(discriminator="kind")],
    preset("architecture", lambda: PRESETS),
]
