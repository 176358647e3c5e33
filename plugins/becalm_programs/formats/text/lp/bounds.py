"""Bounds of LP files: ``x <= 4``, ``-2 <= x <= 4``, ``x = 3``, ``x free``, each on one line."""

from dataclasses import dataclass

from becalm_programs.formats.text.draft import Draft
from becalm_programs.formats.text.lp.tokens import RELATIONS, TURNED, constant
from becalm_programs.formats.text.refusal import at, shown

_INF = float("inf")


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side: a number, or the name of a variable."""

    name: bytes
    value: float = 0.0


def state(draft: Draft, words: list[bytes], line: int) -> None:
    """States the bounds of a line of the section.

    Raises:
        RefusedError: If it holds no bound, one of a name that stands nowhere, or a second one of the same side.
    """
    rest = words
    while rest:
        first, rest = _operand(rest, line)
        if first.name and rest and rest[0].lower() == b"free":
            variable = _variable(draft, first.name, line)
            draft.bounds.least(variable, -_INF, first.name, line)
            draft.bounds.most(variable, _INF, first.name, line)
            rest = rest[1:]
            continue
        chain, relations = [first], []
        while rest and rest[0] in RELATIONS:
            operand, after = _operand(rest[1:], line)
            relations.append(RELATIONS[rest[0]])
            chain.append(operand)
            rest = after
        _chain(draft, chain, relations, line)


def _chain(draft: Draft, chain: list[_Operand], relations: list[str], line: int) -> None:
    named = [bool(operand.name) for operand in chain]
    if named == [True, False]:
        _side(draft, chain[0], relations[0], chain[1].value, line)
    elif named == [False, True]:
        _side(draft, chain[1], TURNED[relations[0]], chain[0].value, line)
    elif named == [False, True, False] and relations in (["<", "<"], [">", ">"]):
        _side(draft, chain[1], TURNED[relations[0]], chain[0].value, line)
        _side(draft, chain[1], relations[1], chain[2].value, line)
    else:
        raise at(line, "is no bound: it must be a name and a number, a name between two numbers, or a name and 'free'")


def _side(draft: Draft, operand: _Operand, relation: str, value: float, line: int) -> None:
    variable = _variable(draft, operand.name, line)
    if relation != "<":
        draft.bounds.least(variable, value, operand.name, line)
    if relation != ">":
        draft.bounds.most(variable, value, operand.name, line)


def _operand(words: list[bytes], line: int) -> tuple[_Operand, list[bytes]]:
    """The side that the words begin with, and the words after it."""
    for length in range(1, len(words) + 1):
        if words[length - 1] not in (b"+", b"-"):
            break
    else:
        raise at(line, "ends where a number or a name must be: a bound stands on one line")
    value = constant(words[:length])
    if value is None and length > 1:
        raise at(line, f"has {shown(words[length - 1])} where a number must be")
    return (_Operand(words[0]) if value is None else _Operand(b"", value)), words[length:]


def _variable(draft: Draft, name: bytes, line: int) -> int:
    if name not in draft.columns:
        raise at(line, f"bounds {shown(name)}, which stands in no row and not in the objective")
    return draft.columns[name]
