"""A policy network that sees: an encoder for each camera before the network that knows features alone.

Pictures are encoded once for a chunk (``becalm.network.embeds``), and what the encoders see stands beside the features
of its step. Where demonstrations know what acting does not, such as an object's pose, a small perceptron learns to tell
it from what is seen, and the network is told that too.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from becalm.level import NoiseLevel
from becalm.plugin.settings import Settings
from becalm_policies.networks.condition import Observed
from becalm_policies.networks.encoder import Encoder, in_full

Size = tuple[int, int]


class Vision(Settings):
    """How pictures are looked at."""

    frames: int = Field(1, ge=1, le=10_000, description="Newest pictures that are looked at, of history at most.")
    crop: float = Field(
        0.875, gt=0, le=1, description="Share of each side: a random part in training, then the middle."
    )
    patch: int = Field(4, ge=1, description="Side in pixels of the patches that an encoder begins with.")
    widths: tuple[int, ...] = Field((32, 64, 64), min_length=1, description="Channels per stage of an encoder.")
    keypoints: int = Field(32, ge=1, description="Points that an encoder finds in a picture.")
    outline: int = Field(64, ge=0, description="Entries that are linear in all places of a picture; 0 for none.")
    told: int = Field(256, ge=1, description="Width of the perceptron that tells what is hidden.")

    def encoder(self, size: Size) -> Encoder:
        """The encoder of a camera whose pictures have that height and width."""
        return Encoder(
            size,
            crop=self.crop,
            patch=self.patch,
            widths=self.widths,
            keypoints=self.keypoints,
            outline=self.outline,
        )

    def seen(self, cameras: int, hidden: int) -> int:
        """E: entries that are seen at a step, and told."""
        return (2 * self.keypoints + self.outline) * cameras + hidden

    def before(self, network: nn.Module, cameras: Mapping[str, Size], *, features: int, hidden: int) -> nn.Module:
        """A network of features (B, To, F + E) as one that sees; itself where there is no camera."""
        return Seeing(network, self, cameras, features=features, hidden=hidden) if cameras else network


class Seeing(nn.Module):
    """A policy network with its encoders.

    Args:
        network: Called with features (B, To, F + E).
        cameras: Names and sizes of the cameras.
        features: F. hidden: H, entries to tell, 0 for none.
    """

    def __init__(
        self, network: nn.Module, vision: Vision, cameras: Mapping[str, Size], *, features: int, hidden: int
    ) -> None:
        super().__init__()
        self.network = network
        self.names = tuple(cameras)
        # By number: a name may hold a dot.
        self.encoders = nn.ModuleList(vision.encoder(size) for size in cameras.values())
        inputs = features + vision.seen(len(cameras), 0)
        self.tell = None if not hidden else nn.Sequential(
            nn.Linear(inputs, vision.told), nn.SiLU(), nn.Linear(vision.told, vision.told), nn.SiLU(),
            nn.Linear(vision.told, hidden),
        )  # fmt: skip

    def embed(self, cond: Observed) -> Observed:
        """The condition with what is seen, and told, of its pictures."""
        cameras = [(cond.cameras or {})[name] for name in self.names]
        # What is all black tells nothing: so says the null condition of guidance.
        lit = [pictures.flatten(2).any(2, keepdim=True) for pictures in cameras]
        looked = zip(cameras, lit, self.encoders, strict=True)
        seen = torch.cat([encoder(pictures) * there for pictures, there, encoder in looked], dim=2)
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
