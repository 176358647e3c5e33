"""What is wrong with a command's words, said as we say it: click's sentences, and what has another name here."""

import re
from collections.abc import Mapping

import click

_REPLACED = {
    "--error": "a kind of objective: --objective cross_entropy for logistic, denoising for squared",
    "--gamma": "a setting of one weighting: --weighting min_snr --weighting.gamma 5",
}
"""Flags of 0.1 that another one took the place of, and how to say it today."""

OTHER_WORDS = {"version": "--version", "-V": "--version", "help": "--help"}
"""What other programs call ours."""


def sentence(error: click.ClickException) -> str:
    """One sentence on what click refuses."""
    if isinstance(error, click.NoSuchOption):
        return _no_such_option(error)
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return f"{_name(error.param)} is missing{_see(error)}"
    if isinstance(error, click.BadOptionUsage):
        takes = "takes no value" if "does not take" in error.message else "needs a value"
        return f"{error.option_name} {takes}{_see(error)}"
    if isinstance(error, click.BadParameter):
        name = _name(error.param) if error.param is not None else "a value"
        return f"{name}: {_ours(error.message)}"
    extra = re.fullmatch(r"Got unexpected extra arguments? \((.*)\)", error.message)
    if extra:
        return f"{_path(error)} takes no further words, got {extra[1]!r}"
    return _ours(error.format_message())


def _no_such_option(error: click.NoSuchOption) -> str:
    flag = error.option_name
    if flag in _REPLACED:
        return f"{flag} is now {_REPLACED[flag]}"
    if flag in OTHER_WORDS:
        return f"unknown flag {flag}; did you mean {OTHER_WORDS[flag]}?"
    if command := _moved(error).get(flag.removeprefix("--").replace("-", "_")):
        return f"{flag} is now a flag of another command: see {command} --help"
    near = f"; did you mean {error.possibilities[0]}?" if error.possibilities else ""
    return f"unknown flag {flag}{near}"


def _moved(error: click.NoSuchOption) -> Mapping[str, str]:
    """Settings that the command had before, each with the command that has it now."""
    form = getattr(error.ctx.command, "form", None) if error.ctx is not None else None
    return getattr(getattr(form, "model", None), "moved", {})


def _name(param: click.Parameter) -> str:
    return param.opts[0] if isinstance(param, click.Option) else param.make_metavar(click.Context(click.Command("")))


def _see(error: click.ClickException) -> str:
    path = _path(error)
    return f": see {path} --help" if path != "becalm" else ""


def _path(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "becalm"


def _ours(text: str) -> str:
    """A sentence as ours begin and end."""
    return (text[:1].lower() + text[1:]).rstrip(".")
