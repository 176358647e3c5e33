"""JSON and TOML of strangers: bounded in bytes, depth, digits of a number, and parts of a dotted key.

Python's parsers are asked only for what they take at once: both recurse, integers of many digits take quadratic time,
and so do TOML's keys of many parts. Imports no torch.
"""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from becalm.errors import UserError, first_line
from becalm.gate.regular import content

SETTINGS = 2**22
"""Bytes of a file of settings."""
DATA = 2**28
"""Bytes of a file of data."""
_DEPTH = 100
_DIGITS = 1000
_PARTS = 50
_NUMBER = re.compile(rf"[0-9_]{{{_DIGITS + 1},}}")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"')
_BRACKET = re.compile(r"[\[\]{}]")
_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_DOTTED = re.compile(rf"(?<![A-Za-z0-9_.-])(?:{_PART}[ \t]*+\.[ \t]*+){{{_PARTS},}}+")

Hook = Callable[[list[tuple[str, Any]]], Any]


def read(path: Path, what: str, most: int = SETTINGS) -> str:
    """The text of a file in UTF-8.

    Raises:
        UserError: If it is missing, no regular file, larger, or no such text.
    """
    try:
        return content(path, what, most=most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{what} {path} is not text in UTF-8") from error


def parse_json(text: str, name: str, *, pairs: Hook | None = None) -> Any:
    """What JSON holds.

    Args:
        name: What complaints call it.
        pairs: As ``object_pairs_hook`` of ``json``.

    Raises:
        UserError: If it is no JSON, nested too deep, or a number has too many digits.
    """
    _check_numbers(text, name)
    _check_depth(_STRING.sub("", text), name)
    try:
        return json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} is not valid JSON: {first_line(error)}") from error


def parse_table(text: str, name: str) -> dict[str, Any]:
    """What a JSON object holds.

    Raises:
        UserError: If it is none, see ``parse_json``.
    """
    table = parse_json(text, name)
    if not isinstance(table, dict):
        raise UserError(f"{name} must hold a table, got {type(table).__name__}")
    return table


def read_table(path: Path, what: str, most: int = SETTINGS) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        UserError: If there is none, see ``read`` and ``parse_json``.
    """
    return parse_table(read(path, what, most), f"{what} {path}")


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """What TOML holds.

    Raises:
        UserError: If it is no TOML, nested too deep, a number has too many digits, or a key too many parts.
    """
    _check_numbers(text, name)
    # Strings in TOML take several forms, so brackets in them count here, too.
    _check_depth(text, name)
    if _DOTTED.search(text):
        raise UserError(f"{name} has a key of more than {_PARTS} parts")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} is not valid TOML: {first_line(error)}") from error


def _check_numbers(text: str, name: str) -> None:
    if _NUMBER.search(text):
        raise UserError(f"{name} has a number of more than {_DIGITS} digits")


def _check_depth(text: str, name: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEPTH:
            raise UserError(f"{name} is nested more than {_DEPTH} deep")
