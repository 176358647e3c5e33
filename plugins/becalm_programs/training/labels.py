"""Labels: good and different solutions of a program, beside its model file as NAME.npz.

``x`` (K, n), int8 where that holds them, else float64, the best first; ``names`` (n,); ``objective`` (K,) in the
original's sense; ``max_violation`` (K,) and ``feasible`` (K,), as the .npz of ``becalm_programs.formats.write``;
``settings``, JSON.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from becalm.errors import UserError
from becalm.files.atomic import write_atomic
from becalm.gate.zip import arrays as npz
from becalm_programs.formats.read import stem
from becalm_programs.options import LabelOptions
from becalm_programs.problem.program import Array

_KINDS = {"x": "iuf", "objective": "iuf", "max_violation": "iuf", "names": "U"}


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Solutions of a program.

    Attributes:
        x: (K, n) verified feasible, the best first.
        objective: (K,) in the original's sense.
        max_violation: (K,) of the worst row or bound.
        names: (n,) of the variables.
        seconds: What the search took.
    """

    x: Array
    objective: Array
    max_violation: Array
    names: tuple[str, ...]
    seconds: float = 0.0


def place(model: Path) -> Path:
    """Where the labels of a model file stand."""
    return model.with_name(f"{stem(model)}.npz")


def load(path: Path) -> Labels:
    """Reads labels.

    Raises:
        UserError: If the file is missing, damaged or holds something else.
    """
    arrays = npz(path, "a file of labels", _KINDS, tuple(_KINDS))
    x, objective, violation, names = (arrays[name] for name in _KINDS)
    if x.ndim != 2 or not len(x) or names.shape != x.shape[1:] or {objective.shape, violation.shape} != {x.shape[:1]}:
        raise UserError(f"{path} holds no labels: its arrays do not fit together")
    return Labels(x.astype(np.float64), objective, violation, tuple(names.tolist()))


def write(path: Path, labels: Labels, options: LabelOptions) -> None:
    """Writes labels and the settings that they come from, whole or not at all."""
    small = bool((np.abs(labels.x) <= 127).all() and (labels.x == np.rint(labels.x)).all())
    settings = options.model_dump(include={"seconds", "steps", "solutions", "gap", "seed"})
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        x=labels.x.astype(np.int8) if small else labels.x,
        names=np.array(labels.names, dtype=np.str_),
        objective=labels.objective,
        max_violation=labels.max_violation,
        feasible=np.ones(len(labels.x), dtype=bool),
        settings=np.array(json.dumps(settings)),
    )
    write_atomic(path, buffer.getvalue())
