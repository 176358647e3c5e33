"""A small program in a line, to compare by eye: ``max 3 x + 2 y; 1 <= x + y <= 3; x int 0..1; y 0..inf``."""

from pathlib import Path

import numpy as np

from becalm import UserError
from becalm_programs.formats.text.lines import Lines
from becalm_programs.formats.text.lp.parse import parse as lp
from becalm_programs.formats.text.mps.parse import parse as mps
from becalm_programs.formats.text.refusal import RefusedError
from becalm_programs.problem.program import Array, Program


def parsed(path: Path) -> Program:
    """What ``read`` gives, without asking SCIP."""
    lines = Lines(path, 2**24, np.inf)
    try:
        return (lp if path.suffix == ".lp" else mps)(lines).program("model")
    except RefusedError as error:
        raise UserError(f"{path} {error}") from error


def said(program: Program) -> str:
    sign = -1.0 if program.maximise else 1.0
    goal = terms(program, sign * program.cost)
    constant = f" {number(sign * program.offset)}" if program.offset else ""
    rows = [
        between(terms(program, row), low, high)
        for row, low, high in zip(program.rows.toarray(), program.row_low, program.row_high, strict=True)
    ]
    limits = [
        f"{name}{' int' if whole else ''} {number(low)}..{number(high)}"
        for name, whole, low, high in zip(program.names, program.integer, program.low, program.high, strict=True)
    ]
    return "; ".join([f"{'max' if program.maximise else 'min'} {goal}{constant}", *rows, *limits])


def between(text: str, low: float, high: float) -> str:
    if low == high:
        return f"{text} = {number(high)}"
    below = f"{number(low)} <= " if np.isfinite(low) else ""
    return below + text + (f" <= {number(high)}" if np.isfinite(high) else "")


def terms(program: Program, values: Array) -> str:
    return " ".join(f"{value:+g} {name}" for name, value in zip(program.names, values, strict=True) if value) or "0"


def number(value: float) -> str:
    return f"{value + 0.0:g}"
