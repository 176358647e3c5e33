"""Where exceptions become what the user sees: one sentence on stderr and an exit code.

0 done; 1 a fault of the program; 2 something the user can mend; 128 + n stopped by signal n (130 for Ctrl-C).
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from pydantic import ValidationError

from becalm.errors import first_line, sentence
from becalm.plugin.find import missing

INTERRUPTED = 130
_BROKEN_PIPE = 141


class Stopped(Exception):  # noqa: N818 (no error)
    """The work was stopped by a signal and has put its things in order.

    Attributes:
        code: The exit code.
    """

    def __init__(self, message: str, code: int = INTERRUPTED) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def on_stop(text: str) -> Iterator[None]:
    """Has Ctrl-C say, after ``stopped``, how things stand or how to go on."""
    try:
        yield
    except KeyboardInterrupt as pressed:
        raise Stopped(f"stopped; {text}" if text else "stopped") from pressed


def exit_code(work: Callable[[], object]) -> int:
    """Runs the work; returns the exit code."""
    try:
        work()
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except BrokenPipeError:
        # The reader has gone; without this, Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except (KeyboardInterrupt, click.Abort) as pressed:
        _say(str(pressed) or "stopped")
        return INTERRUPTED
    except Stopped as stopped:
        _say(str(stopped))
        return stopped.code
    except Exception as error:
        fault, debug = user_sentence(error) is None, os.environ.get("BECALM_DEBUG")
        if debug:
            traceback.print_exception(error)
        _say(f"{explain(error)}{'; BECALM_DEBUG=1 shows where' if fault and not debug else ''}")
        return 1 if fault else 2
    return 0


_REPLACED = {
    "--error": "a kind of objective: --objective cross_entropy for logistic, denoising for squared",
    "--gamma": "a setting of one weighting: --weighting min_snr --weighting.gamma 5",
}
"""Flags of 0.1 that another one took the place of, and how to say it today."""


def explain(error: BaseException) -> str:
    """An error as one sentence, whoever can mend it."""
    mendable = user_sentence(error) if isinstance(error, Exception) else None
    kind, line = type(error).__name__, first_line(error)
    fault = f"internal error, {kind}: {line}" if line != kind else f"internal error, {kind}"
    return " ".join((fault if mendable is None else mendable).split())


def user_sentence(error: Exception) -> str | None:
    """The sentence on an error that the user can mend; None if the fault is the program's."""
    if isinstance(error, click.NoSuchOption):
        if error.option_name in _REPLACED:
            return f"{error.option_name} is now {_REPLACED[error.option_name]}"
        near = f"; did you mean {error.possibilities[0]}?" if error.possibilities else ""
        return f"unknown flag {error.option_name}{near}"
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, ValidationError):
        return sentence(error)
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("becalm"):
        return missing("becalm", error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    ):
        return "out of memory: lower --batch"
    return None


def _say(text: str) -> None:
    print(f"becalm: {' '.join(text.split())}", file=sys.stderr)
