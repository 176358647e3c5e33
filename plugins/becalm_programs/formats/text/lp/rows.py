"""Rows of LP files: ``name: sum <= sum``, or between two constants, over one line or several.

Readers agree that a row goes on until its second side is there. Where the second side holds variables, as some readers
have it, it ends with its line, and a next line that could belong to it is refused.
"""

from dataclasses import dataclass, field

from becalm_programs.formats.text.draft import Draft
from becalm_programs.formats.text.lp.expression import Terms
from becalm_programs.formats.text.lp.sections import RESERVED
from becalm_programs.formats.text.lp.tokens import RELATIONS, TURNED, constant, is_number
from becalm_programs.formats.text.refusal import at, shown

_INF = float("inf")
_OPERATORS = (b"+", b"-", b"*")
_SIGNS = (b"+", b"-")
_ASKED = "a row is a sum, <=, >= or =, and a sum, or a sum between two numbers"


@dataclass(slots=True)
class Rows:
    """Gathers the words of a row, and puts each whole row into a draft.

    Attributes:
        draft: Where rows go.
        terms: Reads sums over the draft's variables.
    """

    draft: Draft
    terms: Terms
    _label: bytes = b""
    _words: list[bytes] = field(default_factory=list)
    _line: int = 0
    _names: dict[bytes, int] = field(default_factory=dict)

    def take(self, words: list[bytes], line: int) -> None:
        """Takes a line of the section.

        Raises:
            RefusedError: If it, or the row that it ends, makes no row.
        """
        if b":" in words:
            while b":" in words:
                colon = words.index(b":")
                self._extend(words[: max(colon - 1, 0)], line)
                self.close()
                self._open(words[max(colon - 1, 0) : colon], line)
                words = words[colon + 1 :]
            self._words, self._line = words, line
        else:
            self._extend(words, line)

    def close(self) -> None:
        """Ends the row that is under way, if any.

        Raises:
            RefusedError: If it is no row.
        """
        if self._words or self._label:
            self._row(self._words, self._line)
        self._label, self._words = b"", []

    def _open(self, label: list[bytes], line: int) -> None:
        if not label or label[0] in _OPERATORS or label[0] in RELATIONS:
            raise at(line, "has ':' without a name before it")
        self._label = label[0]
        check_label(self._label, line)
        if self._label in self._names:
            raise at(line, f"names a row {shown(self._label)} as line {self._names[self._label]} does")
        self._names[self._label] = line

    def _extend(self, words: list[bytes], line: int) -> None:
        if not words:
            return
        if self._words and not self._goes_on(words[0], line):
            self.close()
        if not self._words:
            self._line = line
        self._words += words

    def _goes_on(self, first: bytes, line: int) -> bool:
        """Whether a line that begins with this word belongs to the row under way."""
        places = _relations(self._words)
        last = self._words[-1]
        if not places or first in RELATIONS or last in _OPERATORS or last in RELATIONS:
            return True
        if len(places) > 1:
            return False
        left, right = self._words[: places[0]], self._words[places[0] + 1 :]
        if constant(left) is not None:
            # The second of three sides: 1 <= x
            if first in _SIGNS or constant(right) is not None:
                return True
            unsure = is_number(last) and not is_number(first)
        else:
            unsure = first in _SIGNS and constant(right) is None
        if unsure:
            said = f"begins with {shown(first)} after a row that may or may not have ended"
            raise at(line, f"{said}: write the row on one line")
        return False

    def _row(self, words: list[bytes], line: int) -> None:
        places = _relations(words)
        if b"->" in words:
            raise at(line, "has '->': indicator rows are not read")
        wrong = (
            next((word for word in words if word[:1] in b"<>=" and word not in RELATIONS), None) if not places else None
        )
        if wrong is not None:
            raise at(line, f"has {shown(wrong)} where <=, >= or = must be")
        if not 1 <= len(places) <= 2:
            raise at(line, f"begins a row with {len(places) or 'no'} relation{'s' * (len(places) > 1)}: {_ASKED}")
        sides = [
            words[start:end] for start, end in zip([0, *(place + 1 for place in places)], [*places, None], strict=True)
        ]
        relations = [RELATIONS[words[place]] for place in places]
        if not all(sides):
            raise at(line, f"begins a row with nothing on one side of {shown(words[places[0]])}")
        before = len(self.draft.values)
        low, high = (
            self._single(sides, relations[0], line) if len(places) == 1 else self._double(sides, relations, line)
        )
        if len(self.draft.values) == before:
            raise at(line, "begins a row without variables")
        self.draft.at_row.extend([len(self.draft.rows)] * (len(self.draft.values) - before))
        self.draft.rows.append(self._label)
        self.draft.row_low.append(low)
        self.draft.row_high.append(high)

    def _single(self, sides: list[list[bytes]], relation: str, line: int) -> tuple[float, float]:
        left, right = sides
        before = len(self.draft.values)
        bound = constant(left)
        if bound is None:
            bound = self._sum(left, 1.0, line)
        if len(self.draft.values) > before:
            other = constant(right)
            bound = (-self._sum(right, -1.0, line) if other is None else other) - bound
        else:
            relation, bound = TURNED[relation], bound - self._sum(right, 1.0, line)
        return (-_INF if relation == "<" else bound), (_INF if relation == ">" else bound)

    def _double(self, sides: list[list[bytes]], relations: list[str], line: int) -> tuple[float, float]:
        outer = constant(sides[0]), constant(sides[2])
        if relations[0] != relations[1] or relations[0] == "=" or outer[0] is None or outer[1] is None:
            raise at(line, f"begins a row with two relations: {_ASKED}")
        low, high = (outer[0], outer[1]) if relations[0] == "<" else (outer[1], outer[0])
        shift = self._sum(sides[1], 1.0, line)
        return low - shift, high - shift

    def _sum(self, words: list[bytes], scale: float, line: int) -> float:
        """Adds the terms to the row under way and gives their constant."""
        return self.terms.read(words, line, scale, self.draft.at_column, self.draft.values)


def check_label(label: bytes, line: int) -> None:
    """Checks the name before a colon.

    Raises:
        RefusedError: If it is a keyword.
    """
    if label.lower() in RESERVED:
        raise at(line, f"has {shown(label)}, a word of LP files, before ':'")


def _relations(words: list[bytes]) -> list[int]:
    return [place for place, word in enumerate(words) if word in RELATIONS]
