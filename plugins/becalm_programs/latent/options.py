"""Flags of the contrastive training. Imports no torch."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from becalm.plugin.paths import InputFile, OutputFile
from becalm.plugin.settings import Settings


class EmbedOptions(Settings):
    """``becalm programs embed``."""

    instead: ClassVar[Mapping[str, str]] = {"minutes": "steps"}

    data: str = Field(description="Folder of programs with labels beside them.")
    out: str = Field("runs/embedding.safetensors", description="Where the encoders go.")
    steps: int | None = Field(300, ge=1, description="Optimiser steps; no limit where only minutes are given.")
    minutes: float | None = Field(None, gt=0, description="Wall-clock to train for; with steps too, what ends first.")
    batch: int = Field(16, ge=1, description="Programs per step.")
    rate: float = Field(2e-3, gt=0, description="Highest learning rate.")
    width: int = Field(32, ge=1, description="Width of the encoders.")
    dimension: int = Field(8, ge=2, description="Numbers per entry in a solution's embedding.")
    rounds: int = Field(2, ge=1, description="Rounds of messages between entries and rows.")
    holdout: int = Field(0, ge=0, description="Last programs of the folder kept out, to judge by at the end.")
    seed: int = Field(0, ge=0, lt=2**31, description="Weights and order of the data.")


class ClassifierOptions(Settings):
    """``becalm programs-latent classifier``."""

    instead: ClassVar[Mapping[str, str]] = {"minutes": "steps"}

    checkpoint: Annotated[str, InputFile()] = Field(description="Model of the latent route whose embeddings it sees.")
    data: str = Field(description="Folder of programs with labels beside them.")
    out: Annotated[str, OutputFile()] = Field("runs/violation.safetensors", description="Where the classifier goes.")
    steps: int | None = Field(1500, ge=1, description="Optimiser steps; no limit where only minutes are given.")
    minutes: float | None = Field(None, gt=0, description="Wall-clock to train for; with steps too, what ends first.")
    batch: int = Field(8, ge=1, description="Programs per step.")
    rate: float = Field(2e-3, gt=0, description="Highest learning rate.")
    width: int = Field(32, ge=1, description="Width of the classifier.")
    rounds: int = Field(2, ge=1, description="Rounds of messages between entries and rows.")
    holdout: int = Field(0, ge=0, description="Last programs of the folder kept out, to judge by at the end.")
    seed: int = Field(0, ge=0, lt=2**31, description="Weights and order of the data.")
