"""What a type annotation says of a value: the text that stands for it, and the words that it is chosen from."""

import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin


def members(annotation: Any) -> list[Any]:
    """The parts of a union but None; of anything else, itself."""
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for kind in get_args(annotation) for part in members(kind) if kind is not type(None)]
    return [annotation]


def words(annotation: Any) -> dict[str, Any]:
    """The words that a value is chosen from, as text, with what they stand for."""
    return {str(word): word for kind in members(annotation) if get_origin(kind) is Literal for word in get_args(kind)}


def sequence(annotation: Any) -> Any:
    """The member that holds several values, or None."""
    return next((kind for kind in members(annotation) if _is_sequence(kind)), None)


def reader(annotation: Any) -> Callable[[str], Any]:
    """What turns text into the value that pydantic validates.

    Text that fits nothing is left as it is, for pydantic to complain about.
    """
    kinds, known, several = members(annotation), words(annotation), sequence(annotation)
    number = any(kind in (int, float) for kind in kinds) and not any(kind in (str, Path) for kind in kinds)

    def read(text: str) -> Any:
        if text in known:
            return known[text]
        if several is not None:
            return list_reader(several)([part.strip() for part in text.split(",")] if text else [])
        return _number(text) if number else text

    return read


def list_reader(annotation: Any) -> Callable[[Sequence[str]], list[Any]]:
    """What turns the texts of a list's entries into the value that pydantic validates."""
    entry = reader(next(iter(get_args(sequence(annotation))), str))
    return lambda texts: [entry(text) for text in texts]


def metavar(annotation: Any) -> str:
    """What stands for the value in a help text."""
    names = []
    for kind in members(annotation):
        if get_origin(kind) is Literal:
            names += list(words(kind))
        elif _is_sequence(kind):
            names.append(f"{metavar(next(iter(get_args(kind)), str))},...")
        else:
            names.append({int: "INT", float: "FLOAT", Path: "FILE", str: "TEXT"}.get(get_origin(kind) or kind, "VALUE"))
    return "|".join(dict.fromkeys(names))


def _is_sequence(kind: Any) -> bool:
    return (get_origin(kind) or kind) in (list, tuple, set, frozenset)


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
