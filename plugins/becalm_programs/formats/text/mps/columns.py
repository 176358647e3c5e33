"""Section COLUMNS: the coefficients, and markers of integers."""

from dataclasses import dataclass, field

from becalm_programs.formats.text.draft import Draft
from becalm_programs.formats.text.number import parse_number
from becalm_programs.formats.text.refusal import at, shown

OBJECTIVE, FREE = -1, -2
"""Places of the objective and of rows of letter N that are not it."""


@dataclass(slots=True)
class Columns:
    """Takes the lines of the section.

    Attributes:
        draft: Where coefficients go.
        places: Place of each row by its name, OBJECTIVE and FREE among them.
        marked: Variables between markers.
    """

    draft: Draft
    places: dict[bytes, int]
    marked: list[int] = field(default_factory=list)
    _column: bytes = b""
    _at: int = -1
    _integer: bool = False
    # The last column that stood in each row; the last two places are those of OBJECTIVE and FREE.
    _last: list[int] = field(default_factory=list)
    # A large matrix has few different numbers.
    _numbers: dict[bytes, float] = field(default_factory=dict)

    def take(self, words: list[bytes], line: int) -> None:
        """Takes a line: a marker, or a column with one or two rows and its coefficients in them.

        Raises:
            RefusedError: If it is neither, or says something for the second time.
        """
        if len(words) == 3 and words[1] == b"'MARKER'":
            self._marker(words[2], line)
            return
        if words[0] != self._column:
            self._begin(words[0], line)
        if len(words) == 3:
            self._entry(words[1], words[2], line)
        elif len(words) == 5:
            self._entry(words[1], words[2], line)
            self._entry(words[3], words[4], line)
        else:
            raise at(line, "does not have as many words as its section asks for")

    def _entry(self, row: bytes, word: bytes, line: int) -> None:
        place, value = self.places.get(row), self._numbers.get(word)
        if place is None:
            raise at(line, f"has an unknown row {shown(row)}")
        if value is None:
            value = self._numbers[word] = parse_number(word, line)
        if self._last[place] == self._at and place != FREE:
            raise at(line, f"has a duplicate entry of column {shown(self._column)} in row {shown(row)}")
        self._last[place] = self._at
        if place >= 0:
            self.draft.at_row.append(place)
            self.draft.values.append(value)
        elif place == OBJECTIVE:
            self.draft.cost_at.append(self._at)
            self.draft.cost.append(value)

    def _begin(self, name: bytes, line: int) -> None:
        columns = self.draft.columns
        self.close()
        if not columns:
            self._last = [-1] * (len(self.draft.rows) + 2)
        if name in columns:
            raise at(line, f"comes back to column {shown(name)} after another one")
        self._column, self._at = name, columns.setdefault(name, len(columns))
        if self._integer:
            self.draft.integer.add(self._at)
            self.marked.append(self._at)

    def close(self) -> None:
        """Ends the column under way."""
        draft = self.draft
        draft.at_column.extend([self._at] * (len(draft.values) - len(draft.at_column)))

    def _marker(self, word: bytes, line: int) -> None:
        kind = word.strip(b"'").upper()
        if kind not in (b"INTORG", b"INTEND"):
            raise at(line, f"has a marker {shown(word)}: only 'INTORG' and 'INTEND' are read")
        self._integer = kind == b"INTORG"
        # A column does not go on behind a marker.
        self._column = b""
