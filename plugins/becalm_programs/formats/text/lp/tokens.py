"""Words of LP files: numbers, names, signs, relations.

A name may hold any sign but the operators, as CPLEX has it, and indices in brackets, as Gurobi writes them:
``x[1,2]``. A number may be followed by a name without a blank, ``3x``, unless that could be an exponent, ``3e``, or the
name could have begun with its point, ``3.x``.
"""

import re

from becalm_programs.formats.text.lp.sections import RESERVED
from becalm_programs.formats.text.refusal import at, shown

_SIGN = rb"[^\s+\-*^<>=:\[\]\\]"
_INDEX = rb"\[[^\s\[\]]*\]"
_TOKEN = re.compile(
    rb"[<>=]+|->|[+\-*^:\[\]]|\.?\d(?:[eE][+\-]\d|" + _SIGN + rb"|" + _INDEX + rb")*|"
    # A name, or what looks like none and is refused.
    + _SIGN + rb"(?:" + _SIGN + rb"|" + _INDEX + rb")*"
)  # fmt: skip
_VALUE = rb"(?:\d+\.?\d*|\.\d+)(?:[eE][+\-]?\d+)?"
_NUMBER = re.compile(_VALUE)
_GLUED = re.compile(rb"(" + _VALUE + rb")(?<!\.)([a-cf-zA-CF-Z](?:" + _SIGN + rb"|" + _INDEX + rb")*)")
_DIGITS = tuple(b"%c" % byte for byte in b"0123456789.")
_INF = float("inf")
_FOREIGN = {
    b"->": "indicator rows are not read",
    b"*": "products of variables are not read",
    b"^": "powers are not read",
    b"[": "quadratic terms are not read",
    b"]": "quadratic terms are not read",
    b"/": "quotients are not read",
    b":": "a label stands before a row or the objective, once",
}
RELATIONS = {
    b"<": "<", b"<=": "<", b"=<": "<", b">": ">", b">=": ">", b"=>": ">", b"=": "=", b"==": "=",
}  # fmt: skip
"""What each spelling means."""
TURNED = {"<": ">", ">": "<", "=": "="}
"""The relation as it stands from the other side."""


def tokens(line: bytes, number: int) -> list[bytes]:
    """The words of a line without its comment.

    Raises:
        RefusedError: If the line is a comment of another language.
    """
    if b"\\" in line:
        line = line[: line.index(b"\\")]
    if b"/" in line and line.lstrip().startswith((b"//", b"/*")):
        raise at(number, f"begins with {shown(line.lstrip()[:2])}: a comment of an LP file begins with \\")
    return _TOKEN.findall(line)


def parts(word: bytes, line: int) -> tuple[float | None, bytes | None]:
    """A word as a number, a name, or both side by side: ``3x``.

    Raises:
        RefusedError: If it is neither.
    """
    if word in _FOREIGN:
        raise at(line, f"has {shown(word)}: {_FOREIGN[word]}")
    if word[:1] not in _DIGITS:
        _name(word, line)
        return None, word
    if glued := _GLUED.fullmatch(word):
        _name(glued[2], line)
        return _finite(glued[1], line), glued[2]
    if not _NUMBER.fullmatch(word):
        raise at(line, f"has {shown(word)} where a number or a name must be")
    return _finite(word, line), None


def _finite(word: bytes, line: int) -> float:
    value = float(word)
    if value == _INF:
        raise at(line, f"has {shown(word)} where a finite number must be")
    return value


def _name(word: bytes, line: int) -> None:
    """Checks what is called a variable."""
    if word[:1] in b"<>=+-":
        raise at(line, f"has {shown(word)} where a number or a name must be")
    if word.lower() in RESERVED:
        raise at(line, f"has {shown(word)}, a word of LP files, where a name must be")
    if word[:1] in b"(),;./" or word[-1:] in b",;" or word.count(b"(") != word.count(b")"):
        raise at(line, f"has {shown(word)} where a name must be")


def constant(words: list[bytes]) -> float | None:
    """The value if the words are one number, maybe infinite, with its signs; None if they are more."""
    sign = 1.0
    for word in words[:-1]:
        if word not in (b"+", b"-"):
            return None
        sign = -sign if word == b"-" else sign
    last = words[-1] if words else b""
    if last.lower() in (b"inf", b"infinity"):
        return sign * _INF
    if last[:1] not in _DIGITS or not _NUMBER.fullmatch(last):
        return None
    return sign * float(last)


def is_number(word: bytes) -> bool:
    """Whether a word begins as numbers do."""
    return word[:1] in _DIGITS
