"""Journals: files of JSON, a record a line, that work is written to as it goes and taken up from after a kill."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.files.atomic import write_atomic

Record = Mapping[str, Any]


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a journal; none if there is no file. A last line that a kill cut short is left out.

    Raises:
        UserError: If another line is no record.
    """
    if not path.exists():
        return []
    found: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1], 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UserError(f"line {number} of {path} is damaged: {error}; remove it to go on") from error
        if not isinstance(record, dict):
            raise UserError(f"line {number} of {path} is damaged: it must be a table, got {line[:40]}")
        found.append(record)
    return found


def write(path: Path, records: Iterable[Record]) -> None:
    """The journal anew, whole or not at all: what a kill cut short must not stand before the next record.

    Raises:
        UserError: If the place cannot be written.
    """
    write_atomic(path, "".join(map(_line, records)).encode())


def append(path: Path, records: Iterable[Record], *, durable: bool = False) -> None:
    """Adds records, in one piece.

    Args:
        durable: Wait until they are on the disk.

    Raises:
        UserError: If the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(map(_line, records)))
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def _line(record: Record) -> str:
    return json.dumps(record) + "\n"
