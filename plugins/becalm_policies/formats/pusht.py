"""Push-T's human demonstrations (Chi et al. 2023): 206 episodes of state (5) and action (2), in pixels and radians.

As a .npz with the arrays ``state``, ``action`` and ``episode_ends``; the original zarr has a reader of its own.
"""

from pathlib import Path
from typing import Any

from becalm.gate.zip import arrays as npz
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.environments.known import PUSHT
from becalm_policies.formats.parts import matrix, parsing, store

SPEC: dict[str, Any] = {
    "observation": ["agent x", "agent y", "block x", "block y", "block angle"],
    "action": ["target x", "target y"],
    "action_low": [0.0, 0.0],
    "action_high": [512.0, 512.0],
    "source": "Push-T, human demonstrations",
}
_WHAT = "a Push-T state file"
_ARRAYS = {"state": "fiu", "action": "fiu", "episode_ends": "iu"}


def read(path: Path) -> Episodes:
    """Reads a state file.

    Raises:
        UserError: If it is damaged or holds something else.
    """
    with parsing(path, _WHAT):
        arrays = npz(path, _WHAT, _ARRAYS, tuple(_ARRAYS))
        state, action = (matrix(path, name, arrays[name]) for name in ("state", "action"))
        ends = arrays["episode_ends"]
    return store(path, state, action, ends, None, *known(state.shape[1], action.shape[1]))


def known(observation: int, action: int) -> tuple[str, dict[str, Any]]:
    """The environment and what is known of it, if the sizes are Push-T's; else nothing."""
    return (PUSHT, {**SPEC, "format": "pusht"}) if (observation, action) == (5, 2) else ("", {"format": "pusht"})
