"""What ``--json`` prints: one object, on one line of stdout, its keys without spaces, whatever else is printed.

    {"metrics": {"recall_of_real_images": 0.865}, "count": 1000}
    {"error": "there is no checkpoint a.safetensors", "exit_code": 2}

An error stands there too, beside its sentence on stderr, so that stdout is a document whether all went well or not.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import Any, TextIO

_STDOUT: ContextVar[TextIO | None] = ContextVar("stdout", default=None)
_TEXTS = {"--help", "-h", "--print-config"}
"""Flags whose answer is a text, with ``--json`` or without."""


def asked(words: Sequence[str]) -> bool:
    """Whether a command's words ask for a document."""
    return "--json" in words and _TEXTS.isdisjoint(words)


@contextmanager
def alone() -> Iterator[None]:
    """Keeps stdout for the document: what anything else prints within the block goes to stderr."""
    before = _STDOUT.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _STDOUT.reset(before)


def print_document(values: Mapping[str, Any]) -> None:
    """Prints the document."""
    print(json.dumps(plain(values)), file=_STDOUT.get() or sys.stdout, flush=True)


def plain(value: Any) -> Any:
    """A value as JSON has it, which knows no infinities; tensors and numpy's numbers of one element as numbers."""
    if isinstance(value, Mapping):
        return {key(str(name)): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    value = scalar(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def key(name: str) -> str:
    """A name as a key: ``mean return`` is ``mean_return``."""
    return "_".join(name.split())


def scalar(value: Any) -> Any:
    """A number of numpy or torch as one of Python."""
    return value.item() if hasattr(value, "item") else value
