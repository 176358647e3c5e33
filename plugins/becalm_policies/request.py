"""What a chunk of actions is asked for by. Imports no torch."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from becalm.plugin.settings import Settings
from becalm.plugin.widget import Slider
from becalm.request import SampleRequest, SpacingName
from becalm.sampler import DPMpp2M, Sampler


class PolicyRequest(SampleRequest):
    """Sampling request of the policies domain."""

    observation: tuple[float, ...] | None = Field(
        None, description="Observation to act on, numbers between commas; default: one that the policy was trained on."
    )
    example: int = Field(0, ge=0, description="Which of the observations kept with the policy, without --observation.")
    steps: Annotated[int, Slider(1, 100)] = Field(
        8, ge=1, le=100_000, description="Sampler steps; default: the policy's own."
    )
    avoid: tuple[float, ...] | None = Field(
        None, description="x,y,radius: keep the first two action entries out of this disc."
    )
    avoid_scale: float = Field(1.0, ge=0, description="Strength of --avoid.")
    bounds_scale: float = Field(0.0, ge=0, description="Strength of a pull back into the action bounds; 0 is off.")
    clip: float = Field(
        0.0, ge=0, description="Clip the estimate of a chunk to -this and this in diffusion space; 0 is off."
    )

    def idle(self) -> Mapping[str, str]:
        found = dict(super().idle())
        if self.avoid is None:
            found["avoid_scale"] = "where nothing is avoided"
        if self.observation is not None:
            found["example"] = "where there is an observation"
        return found

    @field_validator("avoid")
    @classmethod
    def _disc(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and (len(value) != 3 or value[2] <= 0):
            raise ValueError(f"must be x,y,radius with a radius above 0, got {value}")
        return value


class Sampling(Settings):
    """How a policy's chunks are sampled where a request says nothing: part of the policy, like its weights."""

    sampler: Sampler = Field(DPMpp2M(), description="How to walk from noise to actions.")
    steps: int = Field(8, ge=1, le=100_000, description="Sampler steps: network calls per chunk.")
    temperature: float = Field(
        1.0,
        ge=0,
        description="Spread of the starting noise. 0 acts alike each time, and more precisely; ways that "
        "demonstrations chose between need 1.",
    )
    spacing: SpacingName | None = Field(None, description="How levels are spaced; default: the sampler's own.")
    clip: float = Field(
        0.0, ge=0, description="Clip the estimate of a chunk to -this and this in diffusion space; 0 is off."
    )
