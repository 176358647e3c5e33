"""The decorators of compiled functions; what is compiled is kept on the disk for the next process."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., object])
# Nothing is allocated in compiled code, so arrays need not be counted as they are handed on, which took longer than the
# loops.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
_PART = _OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Function) -> Function:
    """The function compiled when it is first called; threads may run it side by side."""
    try:
        result: Function = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:
        # Neither the folder of the source nor that of the user can be written to.
        result = numba.njit(**_OPTIONS)(function)
    return result


def part(function: Function) -> Function:
    """A function that only compiled ones call."""
    result: Function = numba.njit(**_PART)(function)
    return result


def inlined(function: Function) -> Function:
    """A short one, put where it is called."""
    result: Function = numba.njit(inline="always", **_PART)(function)
    return result


def _forget() -> None:
    """Removes what is older than a source here: numba looks at that of the function alone, not of those it calls."""
    here = Path(__file__).parent
    newest = max(path.stat().st_mtime for path in here.glob("*.py"))
    for index in here.glob("__pycache__/*.nbi"):
        with suppress(OSError):
            if index.stat().st_mtime < newest:
                index.unlink()


_forget()
