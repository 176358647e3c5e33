"""What a policy is made of: its data, how they are cut and seen, its network, and what was read off the data."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from becalm.plugin.settings import Settings
from becalm_policies.demonstrations.keys import ActionKey, Subset
from becalm_policies.demonstrations.normalise import Normalise
from becalm_policies.demonstrations.observe import Observe, Raw
from becalm_policies.demonstrations.prepare import Preparation
from becalm_policies.demonstrations.statistics import Statistics, check_entries, check_size
from becalm_policies.demonstrations.windows import HISTORY, HORIZON, TAIL
from becalm_policies.environments.own import id_of
from becalm_policies.environments.pusht import GOAL, Pose
from becalm_policies.networks.architecture import Architecture, MLPShape
from becalm_policies.networks.vision import PatchVision, Vision
from becalm_policies.offline.bounds import Bounds
from becalm_policies.request import Sampling


class PolicySettings(Settings):
    """Configuration of the policies domain."""

    data: str = Field("pusht", description="File or folder of demonstrations, or pusht: the human ones, downloaded.")
    action_key: ActionKey = ()
    subset: Subset = ""
    environment: str = Field("", description="gymnasium id; read off the data where they say it.")
    demonstrations: int | None = Field(None, ge=1, description="Train on the first of them only; default: all.")
    holdout: int | None = Field(
        None, ge=0, description="Last demonstrations kept out of training, to judge by; default: one of 20, from 10 on."
    )
    bounds: Bounds = Field(
        "auto",
        description="Actions beyond their bounds: raw learns what was asked for, clip what was executed; auto: what "
        "regressions predict better, judged by executed actions on episodes left out.",
    )
    prepare: tuple[Preparation, ...] = Field((), description="What is done to the demonstrations first, in order.")
    goal: Pose = Field(GOAL, description="Push-T: pose of the block in its goal, x, y in pixels, angle in radians.")
    observe: Observe = Field(Raw(), description="What the network sees of an observation.")
    cameras: tuple[str, ...] | None = Field(None, description="Whose pictures are looked at; default: all there are.")
    vision: Vision = Field(PatchVision(), description="How pictures are looked at: patches or resnet.")
    hidden: tuple[int, ...] = Field(
        (),
        description="Observed entries that demonstrations know and acting does not: learned to be told from pictures.",
    )
    normalise: Normalise = Field(
        ("range",),
        description="How features are scaled: range, mean-std, quantile; others for some arrays as KEY=METHOD.",
    )
    normalise_actions: Normalise = Field(
        (), description="The same for actions; default: range, or by each step's spread where they are relative."
    )
    relative: tuple[int, ...] = Field(
        (), description="Observed entries that the action's entries are relative to; default: actions as they are."
    )
    reference: Literal["auto", "linear", "none"] = Field(
        "auto",
        description="Whether chunks are learnt as differences from a linear regression of what is seen; auto: where "
        "nothing that bends predicts them better.",
    )
    history: int = Field(HISTORY, ge=1, le=10_000, description="To: observations that a chunk is conditioned on.")
    horizon: int = Field(
        HORIZON, ge=1, le=10_000, description="Tp: actions of a chunk; its first belongs to the oldest observation."
    )
    execute: int = Field(8, ge=1, description="Ta: actions executed before the next chunk is planned.")
    tail: int = Field(TAIL, ge=0, description="Most repetitions of an episode's last action in a training window.")
    architecture: Architecture = Field(
        MLPShape(), description="Network: a kind, or mlp-tiny, sieve-small, unet-base ..."
    )
    blind: bool = Field(False, description="Hide x where it is pure noise: the regression baselines (x0, fixed times).")
    sampling: Sampling = Field(Sampling(), description="How chunks are sampled where a request says nothing.")
    jitter: float = Field(
        0.0,
        ge=0,
        description="Noise on the observations of training windows, a share of each entry's range, one for a window; "
        "a teacher answers for these as well, so a student learns what demonstrations do not show.",
    )
    batch: int = Field(256, ge=1, description="Windows per training batch.")
    observation_size: int = Field(0, ge=0, le=1_000_000, description="D: entries of an observation; read off the data.")
    action_size: int = Field(0, ge=0, le=1_000_000, description="A: entries of an action; read off the data.")
    camera_sizes: tuple[tuple[int, int], ...] = Field((), description="Height and width by camera; read off the data.")
    action_low: tuple[float, ...] | None = Field(None, description="Lower bounds of an action; read off the data.")
    action_high: tuple[float, ...] | None = Field(None, description="Upper bounds of an action; read off the data.")
    rate: float = Field(0.0, ge=0, description="Control rate in Hz, actions per second; read off the data, 0 unknown.")
    statistics: Statistics | None = Field(None, description="Scales of observations and actions; read off the data.")

    @field_validator("environment")
    @classmethod
    def _id(cls, environment: str) -> str:
        return id_of(environment)

    @model_validator(mode="after")
    def _check(self) -> "PolicySettings":
        if self.history - 1 + self.execute > self.horizon:
            asked = f"{self.history} - 1 + {self.execute} > {self.horizon}"
            raise ValueError(f"history - 1 + execute must be at most horizon, got {asked}")
        for name in ("action_low", "action_high"):
            check_size(name, getattr(self, name), self.action_size)
        check_entries("relative", self.relative, self.observation_size)
        if self.statistics is not None:
            features = self.observe.size(self.observation_size + len(self.hidden))
            window, chunk = (self.history, self.observation_size), (self.horizon, self.action_size)
            self.statistics.check(features, window=window, chunk=chunk)
        if self.hidden and self.cameras == ():
            raise ValueError("hidden needs a camera whose pictures tell it, and cameras names none")
        if self.vision.frames > self.history:
            raise ValueError(f"vision.frames must be at most history, {self.history}, got {self.vision.frames}")
        if self.camera_sizes and len(self.camera_sizes) != len(self.cameras or ()):
            raise ValueError(f"camera_sizes must have one entry for each camera, got {len(self.camera_sizes)}")
        return self

    @property
    def sizes(self) -> Mapping[str, tuple[int, int]]:
        """Height and width of each camera's pictures, once they are read off the data."""
        return dict(zip(self.cameras or (), self.camera_sizes, strict=False))
