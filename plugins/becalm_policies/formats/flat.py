"""Tables with all steps of all episodes one after the other: Diffusion Policy's zarr, D4RL's HDF5, a plain .npz.

Names differ from lab to lab, so the usual ones are known and others can be named. Where episodes end is said by
``episode_ends``, or by a mark at each last step: ``terminals`` where the environment ended the episode, ``timeouts``
where somebody cut it off (Fu et al. 2020).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Array, Episodes, Flags
from becalm_policies.environments.known import PUSHT
from becalm_policies.formats import pusht
from becalm_policies.formats.parts import store
from becalm_policies.formats.tables import (
    Leaf,
    Selection,
    Tables,
    Vectors,
    described,
    no_subset,
    per_step,
    pick,
    side_by_side,
    top,
    vectors,
)

_ACTIONS = ("action", "actions")
_OBSERVED = ("state", "obs", "observations/qpos", "observations", "observation", "keypoint")
_REWARDS = ("reward", "rewards", "next.reward")
_ENDS = ("episode_ends", "ends")
_OVER = ("terminals", "terminal", "terminations", "terminated")
_CUT = ("timeouts", "timeout", "truncations", "truncated")
_DONE = ("dones", "done")
_ASIDE = {
    *_ACTIONS, *_REWARDS, *_ENDS, *_OVER, *_CUT, *_DONE, "timestamp", "timestamps", "stage", "index", "frame_index",
    "episode_index", "task_index", "info", "infos", "metadata", "meta", "action_dict",
}  # fmt: skip
"""What stands beside observations."""
_UNKNOWN: dict[str, Any] = {"source": "", "action_low": None, "action_high": None}


def read(tables: Tables, selection: Selection, kind: str, *, single: bool = False) -> Episodes:
    """The episodes of some tables.

    Args:
        kind: What the spec calls the format.
        single: Whether tables that do not say where episodes end are one episode.

    Raises:
        UserError: If something is missing, is not where the selection says, or does not fit together.
    """
    if selection.subset:
        raise no_subset(tables.path, selection.subset, ())
    acting = _acted(tables, selection)
    steps = (tables.leaves[acting[0]].shape or (0,))[0]
    names = _observed(tables, selection, steps)
    seen, done = _vectors(tables, names), side_by_side(tables, acting)
    if len(seen.values) != len(done.values):
        counts = f"{len(seen.values)} and {len(done.values)}"
        raise UserError(
            f"{tables.path}: there must be one action per observation, got {tables.full(names[0])} and "
            f"{tables.full(acting[0])} of {counts} steps"
        )
    ends, terminated = _ends(tables, steps, single=single)
    rewards = next((per_step(tables, name, steps) for name in _REWARDS if name in tables.leaves), None)
    spec = {
        "format": kind,
        **described(seen, done),
        "left_out": _left_out(tables, [*names, *acting], steps),
        **_UNKNOWN,
    }
    environment = ""
    if (names, acting) == (["state"], ["action"]):
        points = _keypoints(tables)
        if pusht.is_push_t(seen.values, done.values, ends, points):
            environment, spec = PUSHT, {**spec, **pusht.SPEC}
    table = (tables.path, seen.values, done.values, ends, rewards, environment, spec)
    return store(*table, terminated=terminated, last=_after(tables, names, ends))


def _acted(tables: Tables, selection: Selection) -> list[str]:
    if selection.action:
        return pick(tables, selection.action, flag="--action-key")
    if found := next((name for name in _ACTIONS if name in tables.leaves), None):
        return [found]
    raise _lacks(tables, "'action'", "--action-key", tables.leaves)


def _observed(tables: Tables, selection: Selection, steps: int) -> list[str]:
    """What is asked for, else the usual names, else every table of vectors that does not stand beside observations."""
    if selection.keys:
        return pick(tables, selection.keys, flag="--observe.keys", root="observations/")
    for name in _OBSERVED:
        if inside := [leaf for leaf in tables.leaves if leaf == name or leaf.startswith(f"{name}/")]:
            return vectors(tables, inside, tables.full(name))
    found = [name for name, leaf in tables.leaves.items() if leaf.is_vector and leaf.shape[0] == steps]
    others = [name for name in found if not _is_aside(name) and not _is_coloured(tables.leaves[name])]
    if not others:
        usual = dict.fromkeys(name.partition("/")[0] for name in _OBSERVED)
        raise _lacks(tables, f"one of {', '.join(usual)}", "--observe.keys", top(tables))
    return others


def _vectors(tables: Tables, names: list[str]) -> Vectors:
    root = "observations/" if all(name.startswith("observations/") for name in names) else ""
    return side_by_side(tables, names, root=root)


def _ends(tables: Tables, steps: int, *, single: bool) -> tuple[npt.NDArray[Any], Flags | None]:
    """Where episodes end, and whether the environment ended them, where that is known."""
    over, cut, done = (_marks(tables, names, steps) for names in (_OVER, _CUT, _DONE))
    if name := next((name for name in _ENDS if name in tables.leaves), None):
        ends = np.asarray(tables.read(name, True))
    elif marks := [mark for mark in (over, cut, done) if mark is not None]:
        ends = np.flatnonzero(np.any(marks, axis=0)) + 1
        if len(ends) == 0 or ends[-1] != steps:  # The recording was stopped in the middle of an episode.
            ends = np.append(ends, steps)
    elif single:
        ends = np.array([steps])
    else:
        raise UserError(
            f"{tables.path}: {tables.where or 'it'} must say where episodes end, by episode_ends, terminals or "
            f"timeouts, got {', '.join(top(tables)[:12])}"
        )
    # Of marks of one kind alone nobody knows what they meant: some data sets mark every end as a terminal.
    known = over is not None and cut is not None and _within(ends, steps)
    return ends, over[ends - 1] if known and over is not None else None


def _marks(tables: Tables, names: tuple[str, ...], steps: int) -> Flags | None:
    found = next((values for name in names if (values := per_step(tables, name, steps)) is not None), None)
    return None if found is None else found != 0


def _after(tables: Tables, names: list[str], ends: npt.NDArray[Any]) -> Array | None:
    """The observations after the last actions, where there is a table of next ones for each that is observed."""
    following = [f"next_{name}" for name in names]
    if not set(following) <= tables.leaves.keys():
        return None
    values = side_by_side(tables, following).values
    return values[ends - 1] if _within(ends, len(values)) else None


def _within(ends: npt.NDArray[Any], steps: int) -> bool:
    """Whether ends, which may be anything yet, are numbers of steps."""
    return ends.dtype.kind in "iu" and ends.ndim == 1 and len(ends) > 0 and ends.min() > 0 and bool(ends.max() <= steps)


def _keypoints(tables: Tables) -> Array | None:
    leaf = tables.leaves.get("keypoint")
    return None if leaf is None or leaf.shape[1:] != (9, 2) else np.asarray(tables.read("keypoint", False), np.float64)


def _left_out(tables: Tables, read: list[str], steps: int) -> list[str]:
    """Arrays of as many steps that say nothing of rewards and ends, and are not read."""
    known = {*read, *_REWARDS, *_ENDS, *_OVER, *_CUT, *_DONE}
    return [name for name, leaf in tables.leaves.items() if leaf.shape[:1] == (steps,) and name not in known]


def _is_coloured(leaf: Leaf) -> bool:
    """Whether an array has the shape of pictures, (T, H, W, C), whatever their pixels are."""
    return len(leaf.shape) == 4 and leaf.shape[-1] in (1, 3, 4)


def _is_aside(name: str) -> bool:
    """Whether an array stands beside observations, or is one of the next step."""
    return name.partition("/")[0] in _ASIDE or name.startswith(("next_", "next."))


def _lacks(tables: Tables, what: str, flag: str, there: Any) -> UserError:
    said = ", ".join(sorted(there)[:12]) or "nothing"
    place = f"{tables.path}: {tables.where or 'it'}"
    return UserError(f"{place} must hold {what}, or what {flag} names, got {said}")
