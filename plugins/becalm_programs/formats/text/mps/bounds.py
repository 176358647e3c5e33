"""Section BOUNDS: the first set counts; a later line about the same side must say the same, or be ``BV``."""

from dataclasses import dataclass

from becalm_programs.formats.text.draft import Draft
from becalm_programs.formats.text.number import parse_number
from becalm_programs.formats.text.refusal import at, shown

_INF = float("inf")
_VALUED = (b"UP", b"LO", b"FX", b"LI", b"UI")
_PLAIN = (b"FR", b"MI", b"PL", b"BV")
_REFUSED = {b"SC": "semicontinuous", b"SI": "semiinteger"}


@dataclass(slots=True)
class Limits:
    """Takes the lines of the section.

    Attributes:
        draft: Where bounds go.
    """

    draft: Draft
    _first: bytes | None = None

    def take(self, words: list[bytes], line: int) -> None:
        """Takes a line: kind, name of the set, which may be left out of all lines, column, and value if it needs one.

        Raises:
            RefusedError: If it is none, or contradicts an earlier one.
        """
        kind = words[0].upper()
        if kind in _REFUSED:
            word = next((word for word in words[1:] if word in self.draft.columns), words[-1])
            what = f"has a {_REFUSED[kind]} variable {shown(word)}"
            raise at(line, f"{what}: only integer and continuous ones are read")
        if kind not in _VALUED and kind not in _PLAIN:
            raise at(line, f"has a bound of kind {shown(words[0])}: one of {_KINDS} must be")
        name, column, value = self._parts(kind, words, line)
        if self._first is None:
            self._first = name
        if bool(name) != bool(self._first):
            raise at(line, "has a set of bounds without a name beside one with a name")
        if name == self._first:
            self._state(kind, self.draft.columns[column], value, column, line)

    def _parts(self, kind: bytes, words: list[bytes], line: int) -> tuple[bytes, bytes, float]:
        valued = kind in _VALUED
        if not 3 - (not valued) <= len(words) <= 4:
            raise at(line, "does not have as many words as its section asks for")
        columns = self.draft.columns
        value = 0.0
        rest = words[1:]
        # Other kinds may have a value, too, which says nothing.
        if valued or len(rest) == 3 or (len(rest) == 2 and rest[1] not in columns and rest[0] in columns):
            value = parse_number(rest.pop(), line, finite=False)
        if rest[-1] not in columns:
            raise at(line, f"bounds an unknown column {shown(rest[-1])}")
        return (rest[0] if len(rest) == 2 else b""), rest[-1], value

    def _state(self, kind: bytes, column: int, value: float, name: bytes, line: int) -> None:
        bounds, integer = self.draft.bounds, self.draft.integer
        if kind == b"BV":
            if bounds.low.get(column, 0.0) > 0 or bounds.high.get(column, 1.0) < 1:
                raise at(line, f"makes {shown(name)} 0 or 1 after bounds that leave only one of them, or neither")
            bounds.low[column], bounds.high[column] = 0.0, 1.0
        if kind in (b"BV", b"LI", b"UI"):
            integer.add(column)
        if kind in (b"LO", b"LI", b"FX", b"FR", b"MI"):
            bounds.least(column, -_INF if kind in (b"FR", b"MI") else value, name, line)
        if kind in (b"UP", b"UI", b"FX", b"FR", b"PL"):
            bounds.most(column, _INF if kind in (b"FR", b"PL") else value, name, line)

    def finish(self, marked: list[int]) -> None:
        """States what is left unsaid: a negative greatest value alone has no least; marked integers are 0 or 1.

        Args:
            marked: Variables between markers.
        """
        bounds = self.draft.bounds
        for column in marked:
            if column not in bounds.low and column not in bounds.high:
                bounds.low[column], bounds.high[column] = 0.0, 1.0
        for column, value in bounds.high.items():
            if value < 0:
                bounds.low.setdefault(column, -_INF)


_KINDS = ", ".join(kind.decode() for kind in (*_VALUED, *_PLAIN))
