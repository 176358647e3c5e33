"""What points are asked for by; imports no torch."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from becalm.report import Positional
from becalm.request import SampleRequest


class ToyRequest(SampleRequest):
    side: Literal["left", "right"] = Field("left", description="Which of the two clouds.")
    out: int = Field(0, description="Takes a name that the command has for itself.")


class CountOptions(BaseModel, frozen=True, extra="forbid"):
    to: int = Field(ge=1, description="Where to stop.")


class WeighOptions(BaseModel, frozen=True, extra="forbid"):
    thing: Annotated[str, Positional()] = Field(min_length=2, description="What to weigh.")
    parts: Annotated[tuple[str, ...], Positional()] = Field((), description="Its parts.")
    waits: int = Field(0, ge=0, description="Steps that take a moment each.")


class FailOptions(BaseModel, frozen=True, extra="forbid"):
    how: Literal["internal", "package", "memory", "interrupt", "disk", "value"] = "internal"
