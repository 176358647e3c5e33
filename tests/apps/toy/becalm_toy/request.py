"""What points are asked for by; imports no torch."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from becalm.plugin.report import Positional
from becalm.plugin.widget import Folder, Slider, Upload
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


class BlinkOptions(BaseModel, frozen=True, extra="forbid"):
    name: str = Field(min_length=2, description="Whose light.")
    times: Annotated[int, Slider(1, 10**6)] = Field(3, ge=1, description="How often.")
    bright: bool = Field(True, description="How bright.")
    colour: Literal["red", "green"] | None = Field(None, description="Its colour, if it has one.")
    shape: tuple[int, ...] | None = Field(None, description="Sizes between commas.")
    note: Annotated[str | None, Upload((".txt",))] = Field(None, description="Something to read.")
    folder: Annotated[str, Folder()] = ""


class FailOptions(BaseModel, frozen=True, extra="forbid"):
    how: Literal["internal", "package", "memory", "interrupt", "disk", "value"] = "internal"
