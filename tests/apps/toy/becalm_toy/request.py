"""What points are asked for by; imports no torch."""

from typing import Literal

from pydantic import BaseModel, Field

from becalm.request import SampleRequest


class ToyRequest(SampleRequest):
    side: Literal["left", "right"] = Field("left", description="Which of the two clouds.")
    out: int = Field(0, description="Takes a name that the command has for itself.")


class CountOptions(BaseModel, frozen=True, extra="forbid"):
    to: int = Field(ge=1, description="Where to stop.")


class FailOptions(BaseModel, frozen=True, extra="forbid"):
    how: Literal["internal", "package", "memory", "interrupt", "disk", "value"] = "internal"
