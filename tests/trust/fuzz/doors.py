"""The doors of strangers' files: of each kind what it is called, how a file of it is changed, and who reads it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import mutate
import packed
import torch

import becalm
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.provenance import read as record_of
from becalm.train.resume import resume
from becalm_apps.cli import config_file
from becalm_images.data import idx, image
from becalm_policies import formats
from becalm_programs.formats import read as models
from becalm_programs.training import labels

Change = Callable[[Random, bytes, Sequence[bytes]], bytes]


@dataclass(frozen=True, slots=True)
class Door:
    """A kind of file.

    Attributes:
        change: Changes the content of one.
        read: Reads the file at a path.
        inside: Of a folder, the files that are changed, by their ends; of a file nothing.
    """

    change: Change
    read: Callable[[Path], object]
    inside: tuple[str, ...] = ()


def _load(path: Path) -> object:
    model = becalm.load(path, "cpu")
    if model.domain.name != "policies":
        return model
    try:
        return model.sample(count=1, steps=1)
    except UserError as error:  # On what was asked of the model, which has no file in it.
        raise UserError(f"{path}: {error}") from error


def _resume(path: Path) -> object:
    return resume(path.with_name(path.name.replace(".resume", "")), torch.device("cpu"), anyway=True)


def _model(path: Path) -> object:
    """A program as becalm's own parsers read it; SCIP would read it again, in a process of half a second."""
    compare, models.compare = models.compare, lambda *_: None
    try:
        return models.read(path)
    finally:
        models.compare = compare


def _bytes(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return mutate.change(random, data, others)


def _ways(*ways: Callable[[Random, bytes], bytes]) -> Change:
    """One of these, or plain bytes."""

    def change(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
        way = random.choice((None, *ways))
        return mutate.change(random, data, others) if way is None else way(random, data)

    return change


def _zip(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return mutate.change(random, data, others) if random.random() < 0.3 else packed.zipped(random, data, others)


def _text(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return mutate.change_text(random, data, others)


def _json(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return packed.table(random, data) if random.random() < 0.5 else mutate.change_text(random, data, others)


def _lerobot(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return packed.table(random, data) if data.lstrip().startswith(b"{") else mutate.change(random, data, others)


def _picture(path: Path) -> object:
    return image.read(path)


def _read_npz(path: Path) -> object:
    return labels.load(path) if path.name.startswith("labels") else formats.read(path)


DOORS: dict[str, Door] = {
    "checkpoint, bytes": Door(_ways(packed.header), Checkpoint.read),
    "checkpoint, configuration": Door(lambda random, data, others: packed.checkpoint(random, data), _load),
    "resume state": Door(_ways(packed.header, packed.checkpoint, packed.checkpoint, packed.checkpoint), _resume),
    "idx": Door(_ways(packed.gzipped), idx.read),
    "PNG": Door(_ways(packed.png), _picture),
    "other pictures": Door(_bytes, _picture),
    "npz": Door(_zip, _read_npz),
    "zarr": Door(_zip, formats.read),
    "HDF5": Door(_bytes, formats.read),
    "parquet": Door(_lerobot, formats.read, (".parquet", "info.json")),
    "MPS": Door(_text, _model),
    "LP": Door(_text, _model),
    "TOML": Door(_text, config_file.read),
    "JSON": Door(_json, config_file.read),
    "results": Door(_ways(mutate.change_text), record_of),
}
"""By what the table calls them."""
