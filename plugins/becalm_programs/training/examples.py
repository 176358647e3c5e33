"""Training data: a folder of programs, each with its labels, good solutions, beside it (``becalm programs label``)."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from becalm.errors import UserError
from becalm_programs.formats.read import read
from becalm_programs.formats.suffixes import SUFFIXES
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.training import labels


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One program and its solutions.

    Attributes:
        form: The program.
        x0: (K, N) solutions in diffusion space, -1 or 1 where whole.
    """

    form: StandardForm
    x0: Tensor


def load(folder: Path, gap: float = math.inf) -> list[Example]:
    """All labelled programs of a folder, in order of name.

    Args:
        gap: How far off a program's best solution the others may be, as a share of its objective.

    Raises:
        UserError: If there is none, or labels do not fit their program.
    """
    return [_example(path, gap) for path in programs(folder)]


def programs(folder: Path) -> list[Path]:
    """The files of programs that have labels, in order of name.

    Raises:
        UserError: If there is none.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: make one with becalm programs generate and label")
    models = [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(SUFFIXES)]
    labelled = [path for path in models if labels.place(path).exists()]
    if not labelled:
        raise UserError(f"{folder} holds no program with labels beside it: run becalm programs label {folder}")
    return labelled


def _example(path: Path, gap: float) -> Example:
    program, pool = read(path), labels.load(labels.place(path))
    if pool.x.shape[1] != len(program.cost):
        raise UserError(
            f"{labels.place(path)} holds solutions of {pool.x.shape[1]} variables, its program has {len(program.cost)}"
        )
    form = StandardForm.of(program)
    off = np.abs(pool.objective - pool.objective[0])
    entries = form.encoding.encode(program, pool.x[off <= gap * abs(pool.objective[0])])
    return Example(form, torch.from_numpy((2 * entries - 1).astype(np.float32)))
