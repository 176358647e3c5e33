"""What all moves do alike: feasible solutions are improved, each for itself; what pays is more than rounding."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from becalm_programs.problem.program import Array, solutions
from becalm_programs.problem.verify import verify
from becalm_programs.search.structure.columns import Columns

Kind = TypeVar("Kind")
_GAIN = 1e-9
"""What betters the objective by no more than this, as a share of the largest cost, does not."""


def improve_each(columns: Columns, x: Array, kind: Kind | None, improve: Callable[[Kind, Array], Array]) -> Array:
    """Copies of solutions (K, n), those that are feasible improved.

    Args:
        kind: What the program is recognised as; None leaves all solutions as they are.
        improve: (kind, feasible solution (n,)) to a solution that is no worse.

    Raises:
        ValueError: If x has another shape.
    """
    improved = solutions(columns.program, x).copy()
    if kind is not None:
        for sample in np.flatnonzero(verify(columns.program, improved).feasible):
            improved[sample] = improve(kind, improved[sample])
    return improved


def least_gain(cost: Array) -> float:
    """What a move must gain to pay."""
    return _GAIN * max(1e-12, float(np.abs(cost[np.isfinite(cost)]).max(initial=0.0)))
