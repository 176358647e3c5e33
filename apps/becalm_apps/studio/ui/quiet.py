"""Requests that the page does not make: gradio answers them with an error, and prints a traceback where the studio
was started. Here that is one line.
"""

import sys
from types import SimpleNamespace
from typing import Any

import click
import gradio.queueing
import gradio.routes
import gradio.utils

from becalm.errors import first_line


def quiet() -> None:
    """Has gradio say of an exception what it was, in a line."""
    modules: tuple[Any, ...] = (gradio.queueing, gradio.routes, gradio.utils)
    for module in modules:
        module.traceback = SimpleNamespace(**{**vars(module.traceback), "print_exc": _print_line})


def _print_line(*_: Any, **__: Any) -> None:
    error = sys.exception() if sys.version_info >= (3, 11) else None
    said = f"{type(error).__name__}: {first_line(error)}"[:300] if isinstance(error, Exception) else "an error"
    click.echo(f"a request could not be answered, {said}", err=True)
