"""Numbers of model files: what Python would take beyond them (``1_000``, ``nan``) is none."""

import re

from becalm_programs.formats.text.refusal import at, shown

_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
_INFINITE = re.compile(rb"[+-]?inf(?:inity)?", re.IGNORECASE)


def parse_number(word: bytes, line: int, *, finite: bool = True) -> float:
    """The value of a word; ``1.0D+2``, as Fortran writes it, is 100.

    Args:
        finite: Whether infinity, by its name or by being too large, is refused.

    Raises:
        RefusedError: If it is no such number.
    """
    if _NUMBER.fullmatch(word):
        value = float(word.replace(b"D", b"E").replace(b"d", b"e"))
    elif not finite and _INFINITE.fullmatch(word):
        value = float(word)
    else:
        raise at(line, f"has {shown(word)} where a number must be")
    if finite and value in (float("inf"), -float("inf")):
        raise at(line, f"has {shown(word)} where a finite number must be")
    return value
