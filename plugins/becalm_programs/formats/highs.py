"""Models in memory of HiGHS as programs, and solutions back into them as starts."""

from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm_programs.formats.read import need
from becalm_programs.problem.program import Array, Program, numbered


def from_highs(model: Any) -> Program:
    """The program of a ``highspy.Highs``; variables and rows in its order, by its names where it has any.

    Raises:
        UserError: If highspy is not installed, this is no such model, it has variables that are neither integer nor
            continuous, or a quadratic objective, or its numbers make no program.
    """
    need("highspy", "reading a HiGHS model")
    import highspy
    from scipy import sparse

    if not isinstance(model, highspy.Highs):
        raise UserError(f"a HiGHS model must be a highspy.Highs, got {type(model).__name__}")
    if model.getModel().hessian_.dim_:
        raise UserError("the HiGHS model has a quadratic objective: only linear ones are read")
    lp = model.getLp()
    matrix = lp.a_matrix_
    by_rows = matrix.format_ == highspy.MatrixFormat.kRowwise
    form = sparse.csr_array if by_rows else sparse.csc_array
    shape = (lp.num_row_, lp.num_col_)
    rows = form((np.array(matrix.value_), np.array(matrix.index_), np.array(matrix.start_)), shape=shape)
    kinds = [*lp.integrality_] or [highspy.HighsVarType.kContinuous] * lp.num_col_
    known = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    odd = next((place for place, kind in enumerate(kinds) if kind not in known), None)
    if odd is not None:
        raise UserError(f"variable {odd} of the HiGHS model is {kinds[odd].name}: integer and continuous ones are read")
    maximise = lp.sense_ == highspy.ObjSense.kMaximize
    sign = -1.0 if maximise else 1.0
    return Program(
        cost=sign * np.array(lp.col_cost_, dtype=np.float64) + 0.0,
        rows=rows.tocsr(),
        row_low=np.array(lp.row_lower_, dtype=np.float64),
        row_high=np.array(lp.row_upper_, dtype=np.float64),
        low=np.array(lp.col_lower_, dtype=np.float64),
        high=np.array(lp.col_upper_, dtype=np.float64),
        integer=np.array([kind == highspy.HighsVarType.kInteger for kind in kinds], dtype=np.bool_),
        names=_names(lp.col_names_, "x", lp.num_col_),
        row_names=_names(lp.row_names_, "r", lp.num_row_),
        offset=sign * lp.offset_ + 0.0,
        maximise=maximise,
        name=lp.model_name_,
    )


def to_highs(model: Any, program: Program, x: Array) -> None:
    """Gives a model a solution (n,) to start from; ``model.run()`` then begins there.

    Args:
        program: What ``from_highs`` made of the model.

    Raises:
        UserError: If the model has another number of variables.
    """
    import highspy

    count = model.getNumCol()
    if count != len(program.cost):
        raise UserError(f"the HiGHS model must have the {len(program.cost)} variables that were searched, got {count}")
    solution = highspy.HighsSolution()
    solution.col_value = np.asarray(x, dtype=np.float64).tolist()
    model.setSolution(solution)


def _names(given: Any, letter: str, count: int) -> tuple[str, ...]:
    """Names of a model; numbered ones where it has none, or not of all."""
    names = tuple(given)
    return names if len(names) == count and all(names) and len(set(names)) == count else numbered(letter, count)
