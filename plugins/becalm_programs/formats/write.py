"""Solutions as files: .sol (HiGHS, SCIP), .json, .npz, and starts for CBC. Each is verified, and says what was found.

A `.sol` is MIPLIB's: ``=obj= VALUE``, then ``NAME VALUE`` for each variable; HiGHS and SCIP both read it, as a solution
and as a start. Files are written whole or not at all.
"""

import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError
from becalm.provenance import Record, write
from becalm_programs.formats.mps import check_names, number
from becalm_programs.problem.program import Program, solutions
from becalm_programs.problem.verify import Verdict, verify

SUFFIXES = (".sol", ".json", ".npz", ".mst")


def write_solutions(path: Path | str, program: Program, x: npt.ArrayLike, made: Record | None = None) -> Verdict:
    """Writes solutions in the format that the suffix names, and verifies them.

    Args:
        path: .npz and .json hold all K; .sol, and .mst for CBC, hold the best: feasible ones first, then by objective.
        x: (K, n), K at least 1.
        made: How they were made, kept in the file.

    Raises:
        ValueError: If x has another shape.
        UserError: If the suffix is none of these, there is no solution, a name does not fit the format, or the place
            cannot be written.
    """
    path, x = Path(path), solutions(program, x)
    writers = {".sol": _sol, ".json": _json, ".npz": _npz, ".mst": _mst}
    if path.suffix not in writers:
        raise UserError(f"{path} must end in one of {', '.join(SUFFIXES)}")
    if not len(x):
        raise UserError(f"there is no solution to write to {path}")
    verdict = verify(program, x)
    write(path, writers[path.suffix](program, x, verdict), made)
    return verdict


def best(program: Program, verdict: Verdict) -> int:
    """The solution to hand on if only one is wanted: a feasible one of the best objective, or the least infeasible.

    Raises:
        ValueError: If there is none.
    """
    if not len(verdict):
        raise ValueError("there is no solution to choose from")
    value = np.nan_to_num(-verdict.objective if program.maximise else verdict.objective, nan=np.inf)
    order = np.lexsort((value, np.where(verdict.feasible, 0.0, verdict.max_violation), ~verdict.feasible))
    return int(order[0])


def _sol(program: Program, x: npt.NDArray[np.float64], verdict: Verdict) -> bytes:
    check_names(program.names)
    chosen = best(program, verdict)
    values = _finite(x[chosen])
    lines = [f"=obj= {number(verdict.objective[chosen])}"]
    lines += [f"{name} {number(value)}" for name, value in zip(program.names, values, strict=True)]
    return ("\n".join(lines) + "\n").encode()


def _mst(program: Program, x: npt.NDArray[np.float64], verdict: Verdict) -> bytes:
    check_names(program.names)
    values = _finite(x[best(program, verdict)])
    # CBC skips the first line, and wants a number, a name, a value and a reduced cost on the others.
    lines = [f"Stopped on time - objective value {number(verdict.objective[best(program, verdict)])}"]
    lines += [
        f"{index:>7} {name} {number(value):>15} {0:>23}"
        for index, (name, value) in enumerate(zip(program.names, values, strict=True))
    ]
    return ("\n".join(lines) + "\n").encode()


def _json(program: Program, x: npt.NDArray[np.float64], verdict: Verdict) -> bytes:
    records = [
        {
            "objective": _number(verdict.objective[index]),
            "max_violation": _number(verdict.max_violation[index]),
            "integral": bool(verdict.integral[index]),
            "feasible": bool(verdict.feasible[index]),
            "worst": verdict.worst[index],
            # Zeros are left out, as most are.
            "x": {program.names[place]: _number(row[place]) for place in np.flatnonzero(row)},
        }
        for index, row in enumerate(x)
    ]
    sense = "maximise" if program.maximise else "minimise"
    content = {"program": program.name, "sense": sense, "variables": len(program.names), "solutions": records}
    return (json.dumps(content, indent=1) + "\n").encode()


def _npz(program: Program, x: npt.NDArray[np.float64], verdict: Verdict) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        x=x,
        names=np.array(program.names, dtype=np.str_),
        objective=verdict.objective,
        max_violation=verdict.max_violation,
        feasible=verdict.feasible,
    )
    return buffer.getvalue()


def _finite(x: npt.NDArray[np.float64]) -> list[float]:
    """Values, all of them numbers.

    Raises:
        UserError: If one is not finite.
    """
    if not np.isfinite(x).all():
        raise UserError("a solution must have finite values to be written")
    return [float(value) for value in x]


def _number(value: float) -> float | int | None:
    """For JSON, which has no infinity; integers without a point."""
    if not np.isfinite(value):
        return None
    return int(value) if value == int(value) else float(value)
