"""What a parser has read so far, and the program that it makes."""

from array import array
from dataclasses import dataclass, field

import numpy as np

from becalm_programs.formats.text.bounds import Bounds
from becalm_programs.formats.text.refusal import RefusedError
from becalm_programs.problem.program import Program

_INF = float("inf")


@dataclass(slots=True)
class Draft:
    """A program under way, in its original sense; coefficients of one place add up.

    Attributes:
        columns: Place of each variable by its name, in order of appearance.
        cost: Coefficients of the objective, as pairs of ``cost_at`` and ``cost``.
        offset: The objective's constant.
        rows: Names of the rows.
        row_low: Least activities, -inf where there is none.
        row_high: Greatest activities.
        at_row: Row of each coefficient.
        at_column: Its variable.
        values: Its value.
        bounds: Stated bounds; without, a variable is from 0 to infinity.
        integer: Variables that must be whole.
    """

    columns: dict[bytes, int] = field(default_factory=dict)
    cost_at: "array[int]" = field(default_factory=lambda: array("q"))
    cost: "array[float]" = field(default_factory=lambda: array("d"))
    offset: float = 0.0
    maximise: bool = False
    rows: list[bytes] = field(default_factory=list)
    row_low: list[float] = field(default_factory=list)
    row_high: list[float] = field(default_factory=list)
    at_row: "array[int]" = field(default_factory=lambda: array("q"))
    at_column: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    bounds: Bounds = field(default_factory=Bounds)
    integer: set[int] = field(default_factory=set)

    def program(self, name: str) -> Program:
        """The program.

        Raises:
            RefusedError: If a name is no printable text.
            UserError: If it makes no program; see ``Program``.
        """
        from scipy import sparse

        size, shape = len(self.columns), (len(self.rows), len(self.columns))
        sign = -1.0 if self.maximise else 1.0
        cost = np.zeros(size)
        np.add.at(cost, np.asarray(self.cost_at), np.asarray(self.cost))
        at = np.asarray(self.at_row), np.asarray(self.at_column)
        low, high, integer = np.zeros(size), np.full(size, np.inf), np.zeros(size, dtype=np.bool_)
        low[list(self.bounds.low)] = list(self.bounds.low.values())
        high[list(self.bounds.high)] = list(self.bounds.high.values())
        integer[list(self.integer)] = True
        return Program(
            cost=sign * cost + 0.0,
            rows=sparse.coo_array((np.asarray(self.values), at), shape=shape),
            row_low=np.array(self.row_low) + 0.0,
            row_high=np.array(self.row_high) + 0.0,
            low=low + 0.0,
            high=high + 0.0,
            integer=integer,
            names=_texts(self.columns),
            row_names=_texts(self.rows),
            offset=sign * self.offset + 0.0,
            maximise=self.maximise,
            name=name,
        )


def _texts(names: dict[bytes, int] | list[bytes]) -> tuple[str, ...]:
    try:
        texts = b"\n".join(names).decode().split("\n") if names else []
    except UnicodeDecodeError as error:
        raise RefusedError("has names that are no UTF-8 text") from error
    if not "".join(texts).isprintable():
        first = next(text for text in texts if not text.isprintable())
        raise RefusedError(f"has the name {first[:40]!r}, part of which cannot be printed")
    return tuple(texts)
