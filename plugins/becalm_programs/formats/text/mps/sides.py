"""Sections RHS and RANGES: the first vector of each counts, as everywhere; others are checked and left out."""

from dataclasses import dataclass, field

from becalm_programs.formats.text.mps.columns import FREE
from becalm_programs.formats.text.number import parse_number
from becalm_programs.formats.text.refusal import at, shown


@dataclass(slots=True)
class Vector:
    """Takes the lines of one section.

    Attributes:
        places: Place of each row by its name.
        values: What the first vector says of each place.
    """

    places: dict[bytes, int]
    values: dict[int, float] = field(default_factory=dict)
    _names: set[bytes] = field(default_factory=set)
    _first: bytes | None = None

    def take(self, words: list[bytes], line: int) -> None:
        """Takes a line: the vector's name, which may be left out of all lines, and one or two rows with their values.

        Raises:
            RefusedError: If it is none, or says a row's value twice.
        """
        if not 2 <= len(words) <= 5:
            raise at(line, "does not have as many words as its section asks for")
        name, pairs = (b"", words) if len(words) % 2 == 0 else (words[0], words[1:])
        if self._first is None:
            self._first = name
        if bool(name) != bool(self._first):
            raise at(line, "has a vector without a name beside one with a name")
        for row, word in zip(pairs[::2], pairs[1::2], strict=True):
            place = self.places.get(row)
            if place is None:
                raise at(line, f"has an unknown row {shown(row)}")
            value = parse_number(word, line, finite=False)
            if name != self._first or place == FREE:
                continue
            if place in self.values:
                raise at(line, f"gives row {shown(row)} a second value")
            self.values[place] = value


def sides(kind: bytes, side: float, width: float | None) -> tuple[float, float]:
    """Least and greatest activity of a row.

    Args:
        kind: Its letter, L, G or E.
        side: What RHS says.
        width: What RANGES says, or None; below 0 it matters to E only.
    """
    inf = float("inf")
    if width is None:
        return (-inf if kind == b"L" else side), (inf if kind == b"G" else side)
    if kind == b"E":
        return min(side, side + width), max(side, side + width)
    return (side, side + abs(width)) if kind == b"G" else (side - abs(width), side)
