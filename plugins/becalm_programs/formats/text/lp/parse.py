"""An LP file, line by line: the sense, the objective, then sections in any order, then End."""

from collections.abc import Callable, Iterable

from becalm_programs.formats.text.draft import Draft
from becalm_programs.formats.text.lp import bounds
from becalm_programs.formats.text.lp.expression import Terms
from becalm_programs.formats.text.lp.rows import Rows, check_label
from becalm_programs.formats.text.lp.sections import BINARY, BOUNDS, END, INTEGER, MAXIMISE, MINIMISE, ROWS, header
from becalm_programs.formats.text.lp.tokens import RELATIONS, tokens
from becalm_programs.formats.text.refusal import RefusedError, at, shown

Late = list[tuple[list[bytes], int]]


def parse(lines: Iterable[tuple[int, bytes]]) -> Draft:
    """What the file says.

    Args:
        lines: With their numbers.

    Raises:
        RefusedError: If it says nothing that all readers would take alike, or what is no linear program.
    """
    draft = Draft()
    terms = Terms(draft.columns)
    rows = Rows(draft, terms)
    objective: list[bytes] = []
    late: dict[str, Late] = {BOUNDS: [], INTEGER: [], BINARY: []}
    section, began = "", 0
    for number, line in lines:
        rest = line
        if begun := header(line, number):
            _follow(begun[0], section, number)
            _leave(section, objective, rows, terms, began)
            (section, rest), began = begun, number
            draft.maximise = draft.maximise or section == MAXIMISE
        words = tokens(rest, number)
        if not words:
            continue
        if section == END:
            raise at(number, "stands after End")
        if not section:
            raise at(number, f"has {shown(words[0])} where Minimize or Maximize must be")
        if section == ROWS:
            rows.take(words, number)
        elif section in (MINIMISE, MAXIMISE):
            objective += words
        else:
            late[section].append((words, number))
    if section != END:
        raise RefusedError("ends without End: it may have been cut off")
    _state(draft, late)
    draft.rows = _named(draft.rows)
    return draft


def _follow(section: str, before: str, line: int) -> None:
    """Checks that a section may come after the one before it."""
    objective = section in (MINIMISE, MAXIMISE)
    if before == END:
        raise at(line, "stands after End")
    if not before and not objective:
        raise at(line, "begins a section before Minimize or Maximize")
    if before and objective:
        raise at(line, "begins a second objective")


def _leave(section: str, objective: list[bytes], rows: Rows, terms: Terms, line: int) -> None:
    """Ends a section: what was gathered is whole now."""
    if section == ROWS:
        rows.close()
    if section in (MINIMISE, MAXIMISE):
        _objective(objective, terms, rows.draft, line)


def _objective(words: list[bytes], terms: Terms, draft: Draft, line: int) -> None:
    if words[1:2] == [b":"]:
        check_label(words[0], line)
        words = words[2:]
    wrong = next((word for word in words if word in RELATIONS or word == b":"), None)
    if wrong is not None:
        raise at(line, f"begins an objective with {shown(wrong)} in it: Subject To must stand before the rows")
    draft.offset = terms.read(words, line, 1.0, draft.cost_at, draft.cost)


def _state(draft: Draft, late: dict[str, Late]) -> None:
    """States bounds and kinds, which may stand before the names that they are about."""
    for words, line in late[BOUNDS]:
        bounds.state(draft, words, line)
    _negative(draft)
    kinds: tuple[tuple[str, Callable[[int, bytes, int], None] | None], ...]
    kinds = ((INTEGER, None), (BINARY, draft.bounds.binary))
    for section, narrow in kinds:
        for words, line in late[section]:
            for name in words:
                if name not in draft.columns:
                    raise at(line, f"has {shown(name)}, which stands in no row and not in the objective")
                draft.integer.add(draft.columns[name])
                if narrow is not None:
                    narrow(draft.columns[name], name, line)


def _negative(draft: Draft) -> None:
    """Refuses a negative upper bound without a lower one, which is 0 to some readers and without end to others."""
    for variable, value in draft.bounds.high.items():
        if value < 0 and variable not in draft.bounds.low:
            name = list(draft.columns)[variable]
            says = f"bounds {shown(name)} from above by {value:g} and not from below, where readers take 0 or nothing"
            raise at(draft.bounds.lines[variable], f"{says}: write -inf <= {shown(name)[1:-1]} <= {value:g}")


def _named(names: list[bytes]) -> list[bytes]:
    """The names; rows without one are ``c1``, ``c2``, ... by their place, as CPLEX calls them."""
    taken = set(names)
    named = []
    for place, name in enumerate(names, 1):
        fresh = name or b"c%d" % place
        while not name and fresh in taken:
            fresh += b"_"
        taken.add(fresh)
        named.append(fresh)
    return named
