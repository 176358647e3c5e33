"""Which fields of options and requests name files: markers in their annotations.

    image: Annotated[str, InputFile()] = Field(description="PNG to edit.")
    out: Annotated[str, OutputFile()] = Field("edit.png", description="PNG to write.")

A result's record (``becalm.provenance``) keeps an input by name and digest, and leaves out where the result went.
Imports no torch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from becalm.plugin.widget import Folder, Sketch, Upload, Weights


@dataclass(frozen=True, slots=True)
class InputFile:
    """A field that names a file to read; where it holds another word, it names none."""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A field that names a file or a folder to write."""


def inputs(model: type[BaseModel]) -> Iterator[str]:
    """The fields that name files to read."""
    for name, marks in _marks(model):
        if any(isinstance(mark, InputFile | Upload) or (isinstance(mark, Sketch) and mark.file) for mark in marks):
            yield name


def outputs(model: type[BaseModel]) -> Iterator[str]:
    """The fields that name what is written."""
    for name, marks in _marks(model):
        if any(isinstance(mark, OutputFile | Folder) for mark in marks):
            yield name


def weights(model: type[BaseModel]) -> Iterator[str]:
    """The fields that name a checkpoint."""
    for name, marks in _marks(model):
        if any(isinstance(mark, Weights) for mark in marks):
            yield name


def _marks(model: type[BaseModel]) -> Iterator[tuple[str, list[Any]]]:
    for name, field in model.model_fields.items():
        yield name, field.metadata
