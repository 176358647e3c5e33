"""Where exceptions become what the user sees: one sentence on stderr and an exit code.

0 done; 1 a fault of the program or of a plugin; 2 something the user can mend, which a UserError says, or pydantic or
click; 128 + n stopped by signal n (130 for Ctrl-C).
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from pydantic import ValidationError

from becalm.errors import PluginError, UserError, first_line, sentence
from becalm.plugin.distribution.blame import blame, needs
from becalm_apps.cli import document, usage
from becalm_apps.cli.process.interrupt import interrupted_code

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
    """Has Ctrl-C, or another signal, say after ``stopped`` how things stand or how to go on."""
    try:
        yield
    except KeyboardInterrupt as pressed:
        raise Stopped(f"stopped; {text}" if text else "stopped", interrupted_code(pressed)) from pressed


def exit_code(work: Callable[[], object], *, as_document: bool = False) -> int:
    """Runs the work; returns the exit code.

    Args:
        as_document: Whether what went wrong is a document on stdout, too, as the results would be.
    """
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
        return _end(str(pressed) or "stopped", interrupted_code(pressed), as_document)
    except Stopped as stopped:
        return _end(str(stopped), stopped.code, as_document)
    except Exception as error:
        fault, debug = user_sentence(error) is None, os.environ.get("BECALM_DEBUG")
        if debug:
            traceback.print_exception(error)
        hint = "; BECALM_DEBUG=1 shows where" if fault and not debug else ""
        return _end(f"{explain(error)}{hint}", 1 if fault else 2, as_document)
    return 0


def explain(error: BaseException) -> str:
    """An error as one sentence, whoever can mend it."""
    mendable = user_sentence(error) if isinstance(error, Exception) else None
    return " ".join((_fault(error) if mendable is None else mendable).split())


def _fault(error: BaseException) -> str:
    if isinstance(error, PluginError):
        return str(error)
    theirs = blame(error)
    if theirs is not None:
        return theirs
    kind, line = type(error).__name__, first_line(error)
    return f"internal error, {kind}: {line}" if line != kind else f"internal error, {kind}"


def user_sentence(error: Exception) -> str | None:
    """The sentence on an error that the user can mend; None if the fault is the program's or a plugin's."""
    if isinstance(error, click.ClickException):
        return usage.sentence(error)
    if isinstance(error, ValidationError):
        return sentence(error)
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("becalm"):
        return needs(error, "becalm")
    if (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    ):
        return "out of memory: lower --batch"
    if isinstance(error, OSError) and error.strerror:  # Of the machine: a full disk, a folder that takes no files.
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return None


def _end(text: str, code: int, as_document: bool) -> int:
    """Says how it ended; returns the exit code."""
    text = " ".join(text.split())
    print(f"becalm: {text}", file=sys.stderr)
    if as_document:
        document.print_document({"error": text, "exit_code": code})
    return code
