"""What an installed distribution asks for, and whether it is there: names, ranges and extras from its metadata.

Only the ranges that releases are compared by are looked at; markers other than extras are taken as met.
"""

import importlib.metadata
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

_LINE = re.compile(r"(?P<name>[\w.-]+)\s*(?:\[[^\]]*\])?\s*\(?(?P<range>[^;()]*)\)?\s*(?:;(?P<marker>.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_BOUND = re.compile(r"(>=|<=|==|!=|>|<)\s*([\d.]+)")
_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that a distribution asks for.

    Attributes:
        bounds: As the metadata have them, such as ``>=3.3,<4``.
        extra: The extra that asks for it; empty if the distribution itself does.
        version: The one installed, or None.
    """

    name: str
    bounds: str
    extra: str
    version: str | None

    @property
    def met(self) -> bool:
        """Whether it is installed in a version within the bounds."""
        if self.version is None:
            return False
        return all(
            _COMPARE[sign](*_level(_release(self.version or ""), _release(bound)))
            for sign, bound in _BOUND.findall(self.bounds)
        )


def requirements(distribution: str) -> list[Requirement]:
    """All that a distribution asks for, its extras included; nothing if it is not installed."""
    try:
        lines = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [found for line in lines if (found := _read(line)) is not None]


def version(name: str) -> str | None:
    """The version of a distribution that is installed, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _read(line: str) -> Requirement | None:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        return None
    extra = _EXTRA.search(found["marker"] or "")
    name = found["name"]
    return Requirement(name, found["range"].strip(), extra[1] if extra else "", version(name))


def _release(text: str) -> tuple[int, ...]:
    """The numbers before any letter: 2.13.0rc1 is (2, 13, 0)."""
    head = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in head[0].split(".")) if head else ()


def _level(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Both with as many numbers: 4 is 4.0."""
    wide = max(len(one), len(other))
    return one + (0,) * (wide - len(one)), other + (0,) * (wide - len(other))
