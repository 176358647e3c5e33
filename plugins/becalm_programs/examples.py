"""Training data: a folder of programs, each with a pool of good solutions beside it.

NAME.mps.gz   the program
NAME.npz      x (K, n) solutions, objective (K,), as ``becalm programs label`` writes them
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from becalm.errors import UserError
from becalm_programs.formats.read import read
from becalm_programs.relation import Relation

_SUFFIXES = (".mps", ".mps.gz", ".lp")


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One program and its solutions.

    Attributes:
        relation: The program.
        x0: (K, N) solutions in diffusion space, -1 or 1 where whole.
    """

    relation: Relation
    x0: Tensor


def load(folder: Path) -> list[Example]:
    """All examples of a folder, in order of name.

    Raises:
        UserError: If there is none, or a pool does not fit its program.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: make one with becalm programs generate and label")
    found = []
    for path in sorted(folder.iterdir()):
        pool = stem(path).with_suffix(".npz")
        if path.name.endswith(_SUFFIXES) and pool.exists():
            found.append(_example(path, pool))
    if not found:
        raise UserError(f"{folder} holds no program with solutions beside it: run becalm programs label {folder}")
    return found


def stem(path: Path) -> Path:
    """The path without .mps, .mps.gz or .lp."""
    name = path.name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return path.with_name(name)


def _example(path: Path, pool: Path) -> Example:
    program = read(path)
    try:
        with np.load(pool, allow_pickle=False) as file:
            x = np.asarray(file["x"], dtype=np.float64)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{pool} is no pool of solutions: {error}") from error
    if x.ndim != 2 or len(x) == 0 or x.shape[1] != len(program.cost):
        raise UserError(f"{pool} holds solutions of shape {x.shape}, its program has {len(program.cost)} variables")
    relation = Relation.of(program)
    entries = relation.bits.encode(program, x)
    return Example(relation, torch.from_numpy((2 * entries - 1).astype(np.float32)))
