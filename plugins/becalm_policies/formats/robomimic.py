"""robomimic's HDF5: groups ``data/demo_N`` with ``obs/*``, ``actions``, ``rewards`` and ``dones``.

``env_args`` stands on ``data``, and lists of demos in ``mask/*``, such as ``train`` and ``valid``.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.gate.hdf5 import final, opened
from becalm.gate.limit import Budget
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.formats import hdf5
from becalm_policies.formats.parts import Episode, assemble, check_lengths, member, numbered, parsing
from becalm_policies.formats.tables import (
    USUAL,
    Selection,
    Vectors,
    acted,
    check_same,
    described,
    no_subset,
    observed,
    per_step,
    side_by_side,
)

_WHAT = "a robomimic dataset"
_GYM = 2  # robomimic's number for environments of gym.


def read(path: Path, selection: Selection = USUAL) -> Episodes:
    """Reads a dataset: all low-dimensional observations in order of name; images are left out, and the spec says so.

    Raises:
        UserError: If it is damaged or holds something else, or what is selected is not there.
    """
    with parsing(path, _WHAT), opened(path) as file:
        budget = Budget(path)
        data = member(path, file, "data")
        subsets = _subsets(budget, file.get("mask"))
        if selection.subset and selection.subset not in subsets:
            raise no_subset(path, selection.subset, subsets)
        names = [name for _, name in numbered(data, "demo_")]
        wanted = set(subsets.get(selection.subset, names))
        if strange := sorted(wanted - set(names)):
            raise UserError(f"{path}: mask/{selection.subset} names {strange[0]!r}, which is not in data")
        demos = [_demo(budget, f"data/{name}", data[name], selection) for name in names if name in wanted]
        environment, more = _environment(data.attrs.get("env_args"))
    check_same(path, [seen for _, seen, *_ in demos])
    spec: dict[str, Any] = {"format": "robomimic", **more}
    if demos:
        _, seen, done, left_out = demos[0]
        spec |= {**described(seen, done), "left_out": left_out}
    if subsets:
        spec["subsets"] = {name: len(held) for name, held in subsets.items()}
    return assemble(path, [episode for episode, *_ in demos], environment, spec)


def _subsets(budget: Budget, masks: Any) -> dict[str, list[str]]:
    """The names of demos in each mask; texts of any length, which robomimic does not write, are no mask."""
    found: dict[str, list[str]] = {}
    for name, mask in ({} if masks is None else masks).items():
        if getattr(mask, "dtype", None) is not None and mask.dtype.kind == "S" and mask.ndim == 1:
            budget.take(mask.nbytes, f"mask/{name}")
            found[name] = [hdf5.text(entry) for entry in mask[()].tolist()]
    return found


def _demo(budget: Budget, name: str, group: Any, selection: Selection) -> tuple[Episode, Vectors, Vectors, list[str]]:
    tables = hdf5.tables(budget, name, group)
    names, left_out = observed(tables, "obs", selection)
    seen = side_by_side(tables, names, root="obs/")
    done = side_by_side(tables, acted(tables, "actions", selection))
    steps = len(done.values)
    check_lengths(budget.path, name, seen.values, done.values)
    rewards, ends = (per_step(tables, key, steps) for key in ("rewards", "dones"))
    terminated = None if ends is None else bool(ends[-1:].any())
    last = _after(budget, name, group, names)
    return Episode(seen.values, done.values, rewards, terminated, last), seen, done, left_out


def _after(budget: Budget, name: str, group: Any, names: Sequence[str]) -> Array | None:
    """The last of the next observations, if they are those that are observed."""
    tables = hdf5.tables(budget, name, group, final)
    following = [f"next_{key}" for key in names]
    if not set(following) <= tables.leaves.keys():
        return None
    values = side_by_side(tables, following).values
    return values[-1] if len(values) else None


def _environment(arguments: Any) -> tuple[str, dict[str, Any]]:
    """The id, if it is a gym environment, and what else is known."""
    if arguments is None:
        return "", {}
    known = json.loads(hdf5.text(arguments))
    name, rate = str(known.get("env_name", "")), (known.get("env_kwargs") or {}).get("control_freq")
    more = {} if rate is None else {"rate": rate}
    return (name, more) if known.get("type", known.get("env_type")) == _GYM else ("", {"source": name, **more})
