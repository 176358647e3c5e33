"""The decorator of loops over single variables and rows. Imports numba, which takes a while: such loops are imported
where they are called.
"""

from collections.abc import Callable
from typing import TypeVar

import numba

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(function: Loop) -> Loop:
    """The function compiled when it is first called, and kept on disk for the next process; threads may run it at once.

    What a compiled function calls from another file is compiled into it: a change there reaches it when it is compiled
    anew.
    """
    try:
        result: Loop = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # Neither the folder of the source nor that of the user can be written to.
        result = numba.njit(nogil=True)(function)
    return result
