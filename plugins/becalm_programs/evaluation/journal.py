"""What an evaluation has finished so far, on disk, and the best objectives ever seen.

PREFIX.jsonl     one line per instance and method; written whole, so a run that was stopped goes on after its last line
references.json  beside it, shared by all evaluations of the folder: the best objective ever seen of each instance

A cell is found again by its instance's numbers and by everything that its method depends on, so one journal may hold
evaluations of other settings and of other checkpoints, and a changed instance is never taken for the old one.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.files import journal
from becalm.files.atomic import write_atomic
from becalm_programs.evaluation.judge import Cell, best_known
from becalm_programs.problem.program import Program


def digest(program: Program) -> str:
    """Sixteen hexadecimal digits of a program's numbers; names do not count."""
    hashed = hashlib.sha256()
    rows = program.rows
    for array in (program.cost, program.low, program.high, program.row_low, program.row_high, rows.data):
        hashed.update(np.ascontiguousarray(array, np.float64).tobytes())
    for array in (rows.indptr, rows.indices, program.integer):
        hashed.update(np.ascontiguousarray(array, np.int64).tobytes())
    hashed.update(repr((rows.shape, program.offset, program.maximise)).encode())
    return hashed.hexdigest()[:16]


class Journal:
    """The finished cells of evaluations.

    Args:
        path: The file; None to keep them in memory only.

    Raises:
        UserError: If the file is damaged other than by a last line cut short, or is another command's.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._cells: dict[tuple[str, str], Cell] = {}
        if path is None or not path.exists():
            return
        records = journal.read(path)
        if records and "digest" not in records[0]:
            raise UserError(f"{path} holds no evaluation, but what another command wrote: name another --out")
        for number, record in enumerate(records, 1):
            try:
                self._keep(_parse(record))
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(f"line {number} of {path} is damaged: {error}; remove it to go on") from error
        if path.read_bytes()[-1:] not in (b"", b"\n"):
            # A line that a kill cut short must not stand before the next one.
            journal.write(path, records)

    def get(self, digest: str, key: str) -> Cell | None:
        """The cell of an instance and a method, if it is finished."""
        return self._cells.get((digest, key))

    def __iter__(self) -> Iterator[Cell]:
        """All of them."""
        return iter(list(self._cells.values()))

    def add(self, cells: Iterable[Cell]) -> None:
        """Keeps finished cells.

        Raises:
            UserError: If the file cannot be written.
        """
        fresh = list(cells)
        for cell in fresh:
            self._keep(cell)
        if self._path is not None:
            journal.append(self._path, map(asdict, fresh), durable=True)

    def _keep(self, cell: Cell) -> None:
        self._cells[cell.digest, cell.key] = cell


class References:
    """The best objectives ever seen, by digest.

    Args:
        path: The file; None to keep none.

    Raises:
        UserError: If the file is damaged.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: dict[str, dict[str, Any]] = {}
        if path is not None and path.exists():
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                self._kept = {key: {**one, "objective": _finite(one["objective"])} for key, one in kept.items()}
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(f"{path} holds no best known objectives: {error}") from error

    @property
    def best(self) -> dict[str, float]:
        """Objectives by digest."""
        return {key: one["objective"] for key, one in self._kept.items()}

    def learn(self, cells: Iterable[Cell]) -> dict[str, float]:
        """Takes in what is better and writes it down; the best objectives by digest, those from before included."""
        given = [cell for cell in cells if cell.best is not None]
        best = best_known(given, self.best)
        changed = False
        for cell in given:
            known = self._kept.get(cell.digest)
            if cell.best == best[cell.digest] and (known is None or known["objective"] != cell.best):
                self._kept[cell.digest] = {"name": cell.instance, "objective": cell.best, "by": cell.method}
                changed = True
        if changed and self._path is not None:
            write_atomic(self._path, (json.dumps(self._kept, indent=1) + "\n").encode())
        return best


def _finite(value: Any) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"an objective must be a number, got {value!r}")
    return float(value)


def _parse(record: dict[str, Any]) -> Cell:
    record = {field.name: record[field.name] for field in fields(Cell)}
    record["objective"] = tuple(None if value is None else _finite(value) for value in record["objective"])
    record["trajectory"] = tuple((float(moment), float(value)) for moment, value in record["trajectory"])
    return Cell(**record)
