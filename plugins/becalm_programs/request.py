"""What solutions are asked for by. Imports no torch."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from becalm.plugin.report import Positional
from becalm.plugin.widget import Upload
from becalm.request import SampleRequest
from becalm.sampler import DDIM, Sampler
from becalm_programs.formats.suffixes import SUFFIXES
from becalm_programs.tier import Tier


class ProgramRequest(SampleRequest):
    """Sampling request of the programs domain."""

    renamed: ClassVar[Mapping[str, str]] = {
        **SampleRequest.renamed,
        "objective": "objective_weight",
        "inner": "inner_steps",
        "last": "search_steps",
    }

    model: Annotated[str | None, Positional(), Upload(SUFFIXES)] = Field(
        None,
        description="The program: .mps or .lp, packed or not; default: an instance of the checkpoint's own family.",
    )
    count: int = Field(64, ge=1, description="How many solutions.")
    sampler: Sampler = Field(DDIM(eta=1.0), description="How to walk from noise to solutions.")
    steps: int = Field(
        10,
        ge=1,
        le=100_000,
        description="Sampler steps: more make solutions differ more; a checkpoint may have its own.",
    )
    guidance: float = Field(1.0, ge=0, description="Constraint guidance: largest move of a logit per step; 0 is none.")
    objective_weight: float = Field(
        3.0, ge=0, description="Weight of the objective in the guidance; a checkpoint may have its own default."
    )
    inner_steps: int = Field(5, ge=0, description="Constraint steps at a level ...")
    search_steps: int = Field(2000, ge=0, description="... and at most where entries are rounded, near clean ...")
    patience: int = Field(30, ge=0, description="... of these, without anything better; a checkpoint may have its own.")
    descend: float = Field(0.0, ge=0, description="Scale of the violation's plain gradient (Descend); 0 is none.")
    tier: Tier = Field("guided", description="What is done to make solutions; each does what those before it do, too.")
    batch: int = Field(64, ge=1, description="Solutions computed at a time; changes nothing but memory and speed.")

    def idle(self) -> Mapping[str, str]:
        found = {name: why for name, why in super().idle().items() if "guidance" not in why}
        return found | dict.fromkeys(("guidance_low", "guidance_high", "rescale"), "in programs")
