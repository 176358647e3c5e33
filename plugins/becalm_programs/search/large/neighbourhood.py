"""Which variables a step of large-neighbourhood search sets free; each kind is told how many it should be."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from becalm_programs.problem.program import Array, Mask
from becalm_programs.search.structure.columns import Columns, Indices, ragged


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a neighbourhood may look at.

    Attributes:
        columns: The program.
        x: (n,) the incumbent.
        others: (P, n) other good solutions; may be none.
        nearness: (n,) how ready a variable is to change by the linear relaxation, the smaller the readier; or None.
        generator: Randomness.
    """

    columns: Columns
    x: Array
    others: Array
    nearness: Array | None
    generator: np.random.Generator


def rows(scene: Scene, target: int) -> Mask:
    """The variables of a random row, of the rows they stand in, and so on: a connected part of the program."""
    program, random = scene.columns.program, scene.generator
    free = np.zeros(len(scene.x), dtype=bool)
    begin, length = program.rows.indptr.astype(np.int64), np.diff(program.rows.indptr).astype(np.int64)
    if not length.any():
        return chance(scene, target)
    layer = np.array([random.choice(np.flatnonzero(length))])
    seen = np.zeros(len(length), dtype=bool)
    while len(layer):
        seen[layer] = True
        members = program.rows.indices[ragged(begin[layer], length[layer])[0]].astype(np.int64)
        fresh = _first(members[~free[members]])[: target - int(free.sum())]
        free[fresh] = True
        if free.sum() >= target:
            break
        met = np.unique(scene.columns.row[scene.columns.entries(fresh)[0]])
        layer = random.permutation(met[~seen[met]])
    return free


def support(scene: Scene, target: int) -> Mask:
    """A share of the variables that are not at 0, and every variable that is: the others stay in the solution."""
    free = scene.x == 0
    held = np.flatnonzero(~free)
    count = int(np.ceil(len(held) * target / len(free)))
    free[scene.generator.permutation(held)[:count]] = True
    return np.asarray(free)


def relaxed(scene: Scene, target: int) -> Mask:
    """Those that the linear relaxation holds least firmly (after Danna et al. 2005, RINS), shaken a little."""
    if scene.nearness is None:
        return chance(scene, target)
    shaken = (scene.nearness + 1e-3) * scene.generator.exponential(size=len(scene.x))
    free = np.zeros(len(scene.x), dtype=bool)
    free[np.argsort(shaken, kind="stable")[:target]] = True
    return free


def crossing(scene: Scene, target: int) -> Mask:
    """Those in which another good solution differs (Rothberg 2007), and random ones up to the target."""
    if not len(scene.others):
        return rows(scene, target)
    free = scene.others[scene.generator.integers(len(scene.others))] != scene.x
    return np.asarray(free | chance(scene, max(target - int(free.sum()), 0)))


def chance(scene: Scene, target: int) -> Mask:
    """Random ones."""
    free = np.zeros(len(scene.x), dtype=bool)
    free[scene.generator.permutation(len(scene.x))[:target]] = True
    return free


def _first(values: Indices) -> Indices:
    """Each value once, in order of first appearance."""
    _, places = np.unique(values, return_index=True)
    return values[np.sort(places)]


NEIGHBOURHOODS: dict[str, Callable[[Scene, int], Mask]] = {
    "rows": rows,
    "support": support,
    "relaxed": relaxed,
    "crossing": crossing,
}
