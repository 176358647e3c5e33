"""Flags that many commands have, under one name each."""

from pathlib import Path
from typing import Any

import click

from becalm.errors import UserError
from becalm_apps.cli.words import Words


def quiet(text: str = "Nothing but errors.") -> click.Option:
    """``--quiet``.

    Args:
        text: What is said even so.
    """
    return click.Option(["--quiet"], is_flag=True, help=text)


def as_json(text: str = "Print JSON.") -> click.Option:
    """``--json``, which the command gets as ``as_json``.

    Args:
        text: What is printed so.
    """
    return click.Option(["--json", "as_json"], is_flag=True, help=text)


def file(
    name: str, text: str, *, metavar: str = "FILE", default: Path | None = None, required: bool = False
) -> click.Option:
    """A flag that names a file or a folder."""
    kind: Any = click.Path(path_type=Path)
    # To click a default of None is one: a flag that is required would not be missed.
    known: dict[str, Any] = {"required": True} if required else {"default": default, "show_default": True}
    return click.Option([name], type=kind, metavar=metavar, help=text, **known)


def whole(name: str, text: str, *, default: int | None = None, low: int, high: int | None = None) -> click.Option:
    """A flag that takes a whole number from ``low`` to ``high``, or from ``low`` on."""
    return click.Option([name], type=Whole(low, high), metavar="INT", default=default, show_default=True, help=text)


def device() -> click.Option:
    """``--device``."""
    known = ("auto", "cpu", "cuda")
    shown = "|".join(known)
    return click.Option(
        ["--device"], type=Words(known), metavar=shown, default="auto", show_default=True, help="Where to compute."
    )


class Whole(click.ParamType):  # type: ignore[type-arg] # generic from click 8.4 on only
    """A whole number from ``low`` to ``high``, or from ``low`` on; another one is refused in one sentence."""

    name = "integer"

    def __init__(self, low: int, high: int | None = None) -> None:
        self.low, self.high = low, high

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(str(value))
        except ValueError:
            number = self.low - 1
        if number < self.low or (self.high is not None and number > self.high):
            bounds = f"from {self.low} to {self.high}" if self.high is not None else f"of {self.low} or more"
            flag = param.opts[0] if param is not None else "a number"
            raise UserError(f"{flag} must be a whole number {bounds}, got {value!r}")
        return number
