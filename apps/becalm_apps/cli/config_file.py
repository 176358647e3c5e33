"""Settings in files: TOML or JSON in, TOML out, so that what ``--print-config`` prints ``--config`` reads.

Both formats say what a number is and what is text, unlike YAML, where 1e-3 is text and NO is false.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.gate import text

_BARE = re.compile("[A-Za-z0-9_-]+")


def read(path: Path) -> dict[str, Any]:
    """The settings in a file.

    Raises:
        UserError: If the file is missing, ends in neither .toml nor .json, does not hold a table, or is too large or
            nested too deep for one of settings.
    """
    if path.suffix not in (".toml", ".json"):
        raise UserError(f"a config file ends in .toml or .json, got {path}")
    written, name = text.read(path, "config file"), f"config file {path}"
    values = text.parse_toml(written, name) if path.suffix == ".toml" else text.parse_json(written, name, pairs=_once)
    if not isinstance(values, dict):
        raise UserError(f"config file {path} must hold a table of settings, got {type(values).__name__}")
    return values


def toml(values: Mapping[str, Any]) -> str:
    """The settings as TOML, tables last as the format wants it. Keys without a value are left out: TOML has no null."""
    return "\n".join(_table(values, ())).strip() + "\n"


def _table(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    plain = {key: value for key, value in values.items() if key not in tables and value is not None}
    if path and (plain or not tables):
        yield f"\n[{'.'.join(_key(part) for part in path)}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        yield from _table(value, (*path, key))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL, which JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(entry) for entry in value)}]"
    if isinstance(value, Mapping):
        inside = (f"{_key(key)} = {_value(entry)}" for key, entry in value.items() if entry is not None)
        return f"{{ {', '.join(inside)} }}"
    raise TypeError(f"TOML holds numbers, text, lists and tables, got {type(value).__name__}")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise json.JSONDecodeError(f"key {twice!r} stands twice", "", 0)
    return values
