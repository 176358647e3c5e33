"""Model files: MPS and LP, packed or not, parsed by HiGHS in a process of its own.

A file is a stranger's until it is read: the child has a limit of time and of memory, and whatever happens to it is one
sentence here.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.plugin.distribution.missing import explain
from becalm_programs.problem.program import Program, numbered

SUFFIXES = (".mps", ".mps.gz", ".lp", ".lp.gz")
_PARSER = Path(__file__).with_name("parse.py")
_REFUSED = 3
_SECONDS, _SECONDS_PER_MIB = 20.0, 2.0


def read(path: Path | str, *, seconds: float | None = None, memory: int = 8 * 2**30) -> Program:
    """Reads a model.

    Args:
        path: An MPS or LP file, which may be packed by gzip.
        seconds: How long reading may take; default: 20, and 2 more for each MiB of the file.
        memory: How many bytes it may take, where the system can limit that.

    Raises:
        UserError: If the file is missing, is no such model, is damaged, holds what is no linear program with integer
            and continuous variables, takes too long or too much, or if highspy is not installed.
    """
    path = Path(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise UserError(f"{path} must end in one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UserError(f"{path} is a folder: name a file" if path.is_dir() else f"there is no file {path}")
    need("highspy", "reading a model")
    if seconds is None:
        seconds = _SECONDS + _SECONDS_PER_MIB * path.stat().st_size / 2**20
    with tempfile.TemporaryDirectory(prefix="becalm-") as name:
        folder = Path(name)
        _parse(path, folder, seconds, memory)
        try:
            return parsed(folder, stem(path))
        except UserError as error:
            raise UserError(f"{path}: {error}") from error


def parsed(folder: Path, name: str) -> Program:
    """The program that the parser left in a folder.

    Raises:
        UserError: If it makes no program; see ``Program``.
    """
    with np.load(folder / "program.npz", allow_pickle=False) as file:
        arrays = dict(file)
    return _program(arrays, json.loads((folder / "program.json").read_text(encoding="utf-8")), name)


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


def _parse(path: Path, folder: Path, seconds: float, memory: int) -> None:
    command = [sys.executable, "-P", str(_PARSER), str(path.resolve()), str(folder), str(memory)]
    # One thread: parsing needs no more, and each takes memory of its own.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(  # noqa: S603 (our own program; the file's name is an argument, not a command)
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{path} cannot be read in {seconds:g} seconds") from error
    if done.returncode == _REFUSED:
        said = done.stdout.decode(errors="replace").strip().splitlines()
        raise UserError(f"{path} {said[-1] if said else 'cannot be parsed'}")
    if done.returncode != 0:
        raise UserError(f"{path} cannot be parsed: the parser broke down on it (status {done.returncode})")


def _program(arrays: dict[str, Any], header: dict[str, Any], name: str) -> Program:
    from scipy import sparse

    shape = len(arrays["row_low"]), len(arrays["cost"])
    parts = arrays["values"], arrays["indices"], arrays["starts"]
    rows = sparse.csr_array(parts, shape=shape) if header["rowwise"] else sparse.csc_array(parts, shape=shape)
    sign = -1.0 if header["maximise"] else 1.0
    return Program(
        cost=sign * arrays["cost"] + 0.0,
        rows=rows,
        row_low=arrays["row_low"],
        row_high=arrays["row_high"],
        low=arrays["low"],
        high=arrays["high"],
        integer=arrays["integer"],
        names=_named(header["names"], "x", shape[1]),
        row_names=_named(header["row_names"], "r", shape[0]),
        offset=sign * header["offset"] + 0.0,
        maximise=header["maximise"],
        name=name,
    )


def _named(names: list[str], letter: str, count: int) -> tuple[str, ...]:
    """The names, or numbers for all if the file names none."""
    return tuple(names) if any(names) else numbered(letter, count)
