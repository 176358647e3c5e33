"""Flags of the trainings of the latent route but the model's own. Imports no torch."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from becalm.plugin.paths import InputFile, OutputFile
from becalm.plugin.settings import Settings


class FitOptions(Settings):
    """What both trainings of small networks on labelled programs are asked for."""

    instead: ClassVar[Mapping[str, str]] = {"minutes": "steps"}

    data: str = Field(description="Folder of programs with labels beside them.")
    minutes: float | None = Field(None, gt=0, description="Wall-clock to train for; with steps too, what ends first.")
    rate: float = Field(2e-3, gt=0, description="Highest learning rate.")
    width: int = Field(32, ge=1, description="Width of the network.")
    rounds: int = Field(2, ge=1, description="Rounds of messages between entries and rows.")
    holdout: int = Field(0, ge=0, description="Last programs of the folder kept out, to judge by at the end.")
    seed: int = Field(0, ge=0, lt=2**31, description="Weights and order of the data.")


class EmbedOptions(FitOptions):
    """``becalm programs embed``."""

    out: Annotated[str, OutputFile()] = Field("runs/embedding.safetensors", description="Where the encoders go.")
    steps: int | None = Field(300, ge=1, description="Optimiser steps; no limit where only minutes are given.")
    batch: int = Field(16, ge=1, description="Programs per step.")
    dimension: int = Field(8, ge=2, description="Numbers per entry in a solution's embedding.")


class ClassifierOptions(FitOptions):
    """``becalm programs-latent classifier``."""

    checkpoint: Annotated[str, InputFile()] = Field(description="Model of the latent route whose embeddings it sees.")
    out: Annotated[str, OutputFile()] = Field("runs/violation.safetensors", description="Where the classifier goes.")
    steps: int | None = Field(1500, ge=1, description="Optimiser steps; no limit where only minutes are given.")
    batch: int = Field(8, ge=1, description="Programs per step.")
