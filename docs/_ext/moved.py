"""A line ``{moved PACKAGE}`` on a page becomes a table of the modules of that package that had another name before."""

import re
from importlib import import_module
from typing import Any

from sphinx.application import Sphinx

_LINE = re.compile(r"^\{moved (\w+)\}$", re.MULTILINE)


def expand(text: str) -> str:
    """The page with what its lines stand for."""
    return _LINE.sub(lambda line: _table(line[1]), text)


def _table(package: str) -> str:
    moved = import_module(package).MOVED
    rows = (f"| `{old}` | `{moved[old]}` |" for old in sorted(moved))
    return "\n".join(["| old | new |", "|---|---|", *rows])


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = expand(source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Has every page expanded as it is read."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
