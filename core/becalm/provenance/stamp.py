"""Records in files: the suffix says how. Putting one in changes nothing else, and replaces one that is there."""

import gzip
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from becalm.errors import UserError, first_line
from becalm.files.atomic import write_atomic
from becalm.gate.limit import most
from becalm.gate.regular import content as content_of
from becalm.gate.unpack import unpacked
from becalm.provenance import csv_column, gif, json_key, mp4, mps, npz, png, solution
from becalm.provenance.record import Record


@dataclass(frozen=True, slots=True)
class Format:
    """How a kind of file holds a text: ``get`` gives it or None, ``put`` the file with it.

    Both raise ValueError where the content is not of the kind.
    """

    get: Callable[[bytes], str | None]
    put: Callable[[bytes, str], bytes]


def _gz(inner: Format) -> Format:
    def get(content: bytes) -> str | None:
        plain = unpacked(io.BytesIO(content), most())
        if plain is None:
            raise ValueError(f"it unpacks to more than {most()} bytes")
        return inner.get(plain)

    def put(content: bytes, text: str) -> bytes:
        return gzip.compress(inner.put(gzip.decompress(content), text), compresslevel=6, mtime=0)

    return Format(get, put)


_FORMATS: Mapping[str, Format] = {
    ".png": Format(png.get, png.put),
    ".gif": Format(gif.get, gif.put),
    ".mp4": Format(mp4.get, mp4.put),
    ".npz": Format(npz.get, npz.put),
    ".json": Format(json_key.get, json_key.put),
    ".csv": Format(csv_column.get, csv_column.put),
    ".sol": Format(solution.get_sol, solution.put_sol),
    ".mst": Format(solution.get_mst, solution.put_mst),
    ".mps": Format(mps.get, mps.put),
    ".mps.gz": _gz(Format(mps.get, mps.put)),
}
SUFFIXES = tuple(_FORMATS)
"""Endings of the files that hold a record."""


def stamp(content: bytes, name: str, record: Record) -> bytes:
    """The content of a file of that name, with the record in it.

    Raises:
        ValueError: If the ending is none of ``SUFFIXES``, or the content is of another kind.
    """
    kind = _format(name)
    if kind is None:
        raise ValueError(f"{name} must end in one of {', '.join(SUFFIXES)} to hold a record")
    return kind.put(content, record.text)


def write(path: Path, content: bytes, record: Record | None) -> None:
    """Writes a file whole or not at all, with the record in it.

    Raises:
        UserError: If the place cannot be written.
    """
    write_atomic(path, content if record is None else stamp(content, path.name, record))


def read(path: Path) -> Record:
    """The record in a file.

    Raises:
        UserError: If the file is missing, holds none, or is damaged.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file in it that ends in one of {', '.join(SUFFIXES)}")
    if _format(path.name) is None:
        raise UserError(f"a result ends in one of {', '.join(SUFFIXES)}, got {path}")
    return parse(str(path), content_of(path, most=most()))


def parse(name: str, content: bytes) -> Record:
    """The record in the content of a file of that name.

    Raises:
        UserError: If it holds none, or is damaged.
    """
    kind = _format(name)
    if kind is None:
        raise UserError(f"a result ends in one of {', '.join(SUFFIXES)}, got {name}")
    try:
        text = kind.get(content)
    except Exception as error:  # A stranger's bytes lead parsers to errors of their own: csv's, zip's, struct's.
        raise UserError(f"{name} is damaged, or of another kind than its name says: {first_line(error)}") from error
    if text is None:
        raise UserError(f"{name} does not say how it was made: another program wrote it, or an earlier becalm")
    try:
        return Record.parse(text)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def _format(name: str) -> Format | None:
    # The longest ending counts: .mps.gz before .gz.
    return next((kind for suffix, kind in _FORMATS.items() if name.lower().endswith(suffix)), None)
