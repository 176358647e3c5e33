"""Flags of the verbs that only programs have. Imports no torch."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from becalm.report import Positional

FamilyName = Literal["set-cover", "auction", "facility", "independent-set", "assignment", "knapsack"]
SizeName = Literal["tiny", "small", "paper"]


class GenerateOptions(BaseModel):
    """``becalm programs generate``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    family: FamilyName = Field("set-cover", description="What kind of programs.")
    size: SizeName = Field("small", description="How large: for brute force, for trying out, as in the literature.")
    count: int = Field(10, ge=1, description="How many.")
    seed: int = Field(0, ge=0, lt=2**31, description="The first instance's; the next ones count up from it.")
    out: str = Field(description="Folder to write .mps.gz files to; those that are there already are kept.")


class LabelOptions(BaseModel):
    """``becalm programs label``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    folder: Annotated[str, Positional()] = Field(
        description="Folder of .mps, .mps.gz and .lp files; NAME.npz is written beside each."
    )
    seconds: float = Field(8.0, gt=0, le=86400, description="How long to search per program.")
    steps: int | None = Field(
        None, ge=1, description="Search so many steps instead, however long they take: the same labels every time."
    )
    solutions: int = Field(16, ge=1, le=10_000, description="Most solutions to keep per program.")
    gap: float = Field(0.05, ge=0, le=1, description="How far off the best a solution may be that is kept.")
    workers: int = Field(2, ge=1, le=1024, description="Processes on this machine.")
    cluster: str | None = Field(None, description="Address of a Dask scheduler to work on instead: tcp://HOST:PORT.")
    seed: int = Field(0, ge=0, lt=2**31, description="Of the search.")
    again: bool = Field(False, description="Also label what has labels already.")
