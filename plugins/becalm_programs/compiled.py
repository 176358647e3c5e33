"""The decorators of loops over single variables and rows. Imports numba, which takes a while: such loops are imported
where they are called.

What is compiled is kept on disk for the next process. numba compiles anew what stands in a file that changed, but not
what calls it from another; so a folder's compiled loops are forgotten when any of its sources is newer.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba

Loop = TypeVar("Loop", bound=Callable[..., object])
# Where nothing is allocated, arrays need not be counted as they are handed on, which took longer than the loops.
_KERNEL: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
_PART = _KERNEL | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
# Sums in the order that wide registers take them in, always the same for the same length.
_WIDE: dict[str, Any] = {"fastmath": {"contract", "reassoc", "nsz"}}


def compiled(function: Loop) -> Loop:
    """The function compiled when it is first called; threads may run it at once."""
    return _kept(function, nogil=True)


def kernel(function: Loop) -> Loop:
    """The same for a function that allocates nothing."""
    return _kept(function, **_KERNEL)


def part(function: Loop) -> Loop:
    """A function that only kernels call."""
    result: Loop = numba.njit(**_PART)(function)
    return result


def wide(function: Loop) -> Loop:
    """A kernel of arithmetic on whole rows of numbers."""
    return _kept(function, **_KERNEL, **_WIDE)


def wide_part(function: Loop) -> Loop:
    """A function that only such kernels call."""
    result: Loop = numba.njit(**_PART, **_WIDE)(function)
    return result


def inlined(function: Loop) -> Loop:
    """A short part, put where it is called."""
    result: Loop = numba.njit(inline="always", **_PART)(function)
    return result


def _kept(function: Loop, **options: Any) -> Loop:
    try:
        result: Loop = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither the folder of the source nor that of the user can be written to.
        result = numba.njit(**options)(function)
    return result


def _forget() -> None:
    """Removes what was compiled before a source of its folder was changed."""
    for index in Path(__file__).parent.rglob("__pycache__/*.nbi"):
        with suppress(OSError):
            newest = max(path.stat().st_mtime for path in index.parents[1].glob("*.py"))
            if index.stat().st_mtime < newest:
                index.unlink()


_forget()
