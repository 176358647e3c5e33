"""robomimic's HDF5: groups ``data/demo_N`` with ``obs/*``, ``actions``, ``rewards``; ``env_args`` on ``data``."""

import json
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.gate.hdf5 import final, opened
from becalm.gate.limit import Budget
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.formats import hdf5
from becalm_policies.formats.parts import Episode, assemble, check_lengths, matrix, member, numbered, parsing

_WHAT = "a robomimic dataset"
_GYM = 2  # robomimic's number for environments of gym.


def read(path: Path) -> Episodes:
    """Reads a dataset: all low-dimensional observations in order of name; images are left out, and the spec says so.

    Raises:
        UserError: If it is damaged or holds something else.
    """
    with parsing(path, _WHAT), opened(path) as file:
        budget = Budget(path)
        data = member(path, file, "data")
        demos = numbered(data, "demo_")
        episodes = [_demo(budget, f"data/{name}", data[name]) for _, name in demos]
        environment, more = _environment(data.attrs.get("env_args"))
    names = [names for _, names, _ in episodes]
    if any(other != names[0] for other in names):
        raise UserError(f"{path}: every demo must hold the same observations, they differ")
    spec = {"format": "robomimic", "observation": names[0], "left_out": episodes[0][2], **more} if episodes else {}
    return assemble(path, [episode for episode, _, _ in episodes], environment, spec)


def _demo(budget: Budget, name: str, group: Any) -> tuple[Episode, list[str], list[str]]:
    path = budget.path
    observations, names, left_out = hdf5.flatten(budget, f"{name}/obs", member(path, group, "obs", where=name))
    actions = matrix(path, f"{name}/actions", hdf5.array(budget, group, "actions", name))
    check_lengths(path, name, observations, actions)
    rewards, ends = (hdf5.per_step(budget, group, name, key, len(actions)) for key in ("rewards", "dones"))
    terminated = None if ends is None else bool(ends[-1:].any())
    last = _after(budget, f"{name}/next_obs", group, names) if "next_obs" in group else None
    return Episode(observations, actions, rewards, terminated, last), names, left_out


def _after(budget: Budget, where: str, group: Any, names: list[str]) -> Array | None:
    """The last of the next observations, if they are those that are observed."""
    following, same, _ = hdf5.flatten(budget, where, group["next_obs"], final)
    return following[-1] if same == names and len(following) else None


def _environment(arguments: Any) -> tuple[str, dict[str, Any]]:
    """The id, if it is a gym environment, and what else is known."""
    if arguments is None:
        return "", {}
    known = json.loads(hdf5.text(arguments))
    name, rate = str(known.get("env_name", "")), (known.get("env_kwargs") or {}).get("control_freq")
    more = {} if rate is None else {"rate": rate}
    return (name, more) if known.get("type", known.get("env_type")) == _GYM else ("", {"source": name, **more})
