"""Model files: MPS and LP, packed or not.

They are read by parsers of our own, stricter than those of solvers: what readers take differently is refused, by line
and reason (``text``). Where PySCIPOpt is installed, SCIP reads the file, too, and must agree. A file is a stranger's
until it is read, so its size and the time are limited.
"""

import time
from importlib.util import find_spec
from pathlib import Path

from becalm.errors import UserError
from becalm.gate.limit import most
from becalm.gate.regular import check
from becalm.plugin.distribution.missing import explain
from becalm_programs.formats.suffixes import SUFFIXES
from becalm_programs.formats.text.draft import Draft
from becalm_programs.formats.text.lines import Lines
from becalm_programs.formats.text.refusal import RefusedError
from becalm_programs.formats.text.second import compare
from becalm_programs.problem.program import Program

_SECONDS, _SECONDS_PER_MIB = 20.0, 2.0
# What is read takes up to so many times the text's size while it is read.
_GROWTH = 4


def read(path: Path | str, *, seconds: float | None = None, memory: int | None = None) -> Program:
    """Reads a model.

    Args:
        path: An MPS or LP file, which may be packed by gzip, bzip2 or xz.
        seconds: How long reading may take; default: 20, and 2 more for each MiB of the file.
        memory: How many bytes it may take, about, the unpacked text a quarter of that; default: as
            ``becalm.gate.limit`` says.

    Raises:
        UserError: If the file is missing, is no such model, is damaged, holds what is no linear program with integer
            and continuous variables, says what readers take differently, or takes too long or too much.
    """
    path = Path(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise UserError(f"{path} must end in one of {', '.join(SUFFIXES)}")
    size = check(path)
    if seconds is None:
        seconds = _SECONDS + _SECONDS_PER_MIB * size / 2**20
    lines = Lines(path, (most() if memory is None else memory) // _GROWTH, time.monotonic() + seconds)
    try:
        program = _parse(lines, _plain(path)).program(stem(path))
        compare(program, lines, _plain(path))
        return program
    except RefusedError as error:
        raise UserError(f"{path} {error}") from error
    except TimeoutError as error:
        raise UserError(f"{path} cannot be read in {seconds:g} seconds") from error
    except MemoryError as error:
        raise UserError(f"{path} needs more memory than there is") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def need(package: str, what: str) -> None:
    """Says how to get an optional package.

    Raises:
        UserError: If it is not installed.
    """
    if find_spec(package) is None:
        raise UserError(explain(package, who=what))


def model_files(folder: Path, name: str) -> list[Path]:
    """The model files in a folder, in order of name.

    Args:
        name: What complaints call the folder.

    Raises:
        UserError: If it is no folder, or holds none.
    """
    if not folder.is_dir():
        raise UserError(f"{name} must be a folder of model files, got {folder}")
    models = [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(SUFFIXES) and path.is_file()]
    if not models:
        raise UserError(f"{folder} holds no model file: none ends in {', '.join(SUFFIXES)}")
    return models


def stem(path: Path) -> str:
    """A file's name without the suffixes of models."""
    suffix = next((suffix for suffix in sorted(SUFFIXES, key=len)[::-1] if path.name.lower().endswith(suffix)), "")
    return path.name[: len(path.name) - len(suffix)]


def _plain(path: Path) -> str:
    """The suffix without that of packing."""
    return next(suffix for suffix in (".lp", ".mps") if suffix in path.name.lower()[len(stem(path)) :])


def _parse(lines: Lines, suffix: str) -> Draft:
    if suffix == ".lp":
        from becalm_programs.formats.text.lp.parse import parse
    else:
        from becalm_programs.formats.text.mps.parse import parse
    return parse(lines)
