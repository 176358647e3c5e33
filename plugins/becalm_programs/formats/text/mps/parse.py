"""An MPS file, line by line: as free format, and if that makes no sense, as fixed format, where names have blanks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from becalm_programs.formats.text.draft import Draft
from becalm_programs.formats.text.mps.bounds import Limits
from becalm_programs.formats.text.mps.columns import FREE, OBJECTIVE, Columns
from becalm_programs.formats.text.mps.sections import ended, follow, section, sense
from becalm_programs.formats.text.mps.sides import Vector, sides
from becalm_programs.formats.text.mps.words import Split, fixed, free
from becalm_programs.formats.text.refusal import RefusedError, at, shown

Take = Callable[[list[bytes], int], None]

_END_OF_FILE = b"\x1a"
_WHOLE = float("inf")


def parse(lines: Iterable[tuple[int, bytes]]) -> Draft:
    """What the file says.

    Args:
        lines: With their numbers; may be walked twice.

    Raises:
        RefusedError: If it says nothing that all readers would take alike, or what is no linear program.
    """
    try:
        return _parse(lines, free)
    except RefusedError as complaint:
        try:
            draft = _parse(lines, fixed)
        except RefusedError as other:
            # The reading that comes further is the one that was meant.
            raise max(complaint, other, key=lambda error: error.line or _WHOLE) from None
        if not any(b" " in name for names in (draft.columns, draft.rows) for name in names):
            raise
        return draft


@dataclass(slots=True)
class _Rows:
    """Takes the lines of section ROWS: a letter and a name each."""

    draft: Draft
    places: dict[bytes, int] = field(default_factory=dict)
    kinds: list[bytes] = field(default_factory=list)
    objective: bytes | None = None

    def take(self, words: list[bytes], line: int) -> None:
        """Takes a line."""
        if len(words) != 2:
            raise at(line, "does not have as many words as its section asks for")
        kind, name = words[0].upper(), words[1]
        if kind not in (b"N", b"L", b"G", b"E"):
            raise at(line, f"has a row of letter {shown(words[0])}: it must be N, L, G or E")
        if name in self.places:
            raise at(line, f"has a second row {shown(name)}")
        self.places[name] = FREE if kind == b"N" else len(self.kinds)
        if kind != b"N":
            self.kinds.append(kind)
            self.draft.rows.append(name)
        elif self.objective is None:
            self.objective = name

    def choose(self, wanted: tuple[bytes, int] | None) -> None:
        """Makes one row of letter N the objective: that of OBJNAME, or else the first."""
        if wanted is not None:
            self.objective, line = wanted
            if self.places.get(self.objective) != FREE:
                raise at(line, f"asks for the objective {shown(self.objective)}, which is no row of letter N")
        if self.objective is not None:
            self.places[self.objective] = OBJECTIVE


def _parse(lines: Iterable[tuple[int, bytes]], split: Split) -> Draft:
    draft = Draft()
    rows = _Rows(draft)
    columns, limits = Columns(draft, rows.places), Limits(draft)
    side, width = Vector(rows.places), Vector(rows.places)
    head = _Head()
    takers: dict[bytes, Take] = {
        b"NAME": head.name,
        b"OBJSENSE": head.sense,
        b"OBJNAME": head.objective,
        b"ROWS": rows.take,
        b"COLUMNS": columns.take,
        b"RHS": side.take,
        b"RANGES": width.take,
        b"BOUNDS": limits.take,
        b"ENDATA": head.after,
    }
    sections: list[bytes] = []
    take: Take = head.before
    for number, line in lines:
        begun = None
        if line[:1] != b" ":
            if line[:1] == b"*":
                continue
            begun = section(line, number, sections)
        if begun is None:
            if words := split(line):
                take(words, number)
            continue
        follow(begun[0], sections, number)
        head.leave(sections[-1:], number)
        if begun[0] == b"COLUMNS":
            rows.choose(head.wanted)
        sections.append(begun[0])
        take = takers[begun[0]]
        if begun[1] and begun[0] != b"NAME":
            take([begun[1]], number)
    ended(sections)
    columns.close()
    limits.finish(columns.marked)
    for place, kind in enumerate(rows.kinds):
        low, high = sides(kind, side.values.get(place, 0.0), width.values.get(place))
        draft.row_low.append(low)
        draft.row_high.append(high)
    # The constant stands on the other side.
    draft.offset = -side.values.get(OBJECTIVE, 0.0)
    draft.maximise = bool(head.maximise)
    return draft


@dataclass(slots=True)
class _Head:
    """Takes the lines outside the program's own sections."""

    maximise: bool | None = None
    wanted: tuple[bytes, int] | None = None

    def name(self, words: list[bytes], line: int) -> None:
        raise at(line, f"has {shown(words[0])} below NAME, where a section must begin")

    def before(self, words: list[bytes], line: int) -> None:
        raise at(line, "stands before any section")

    def after(self, words: list[bytes], line: int) -> None:
        if words != [_END_OF_FILE]:
            raise at(line, "stands after ENDATA")

    def sense(self, words: list[bytes], line: int) -> None:
        if self.maximise is not None or len(words) != 1:
            raise at(line, "says OBJSENSE in more than one word")
        self.maximise = sense(words[0], line)

    def objective(self, words: list[bytes], line: int) -> None:
        if self.wanted is not None or len(words) != 1:
            raise at(line, "says OBJNAME in more than one word")
        self.wanted = words[0], line

    def leave(self, section: list[bytes], line: int) -> None:
        """Checks that a section that asks for a word had one."""
        if (section == [b"OBJSENSE"] and self.maximise is None) or (section == [b"OBJNAME"] and self.wanted is None):
            raise at(line, f"stands where the word of {section[0].decode()} must be")
