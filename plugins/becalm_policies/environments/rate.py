"""The control rate of an environment: how many actions it takes in a second of the time that it simulates."""

import math
from collections.abc import Mapping
from typing import Any

_KNOWN: Mapping[str, float] = {"Pendulum-v1": 20.0}
"""Where an environment is drawn at another rate than it is controlled at."""


def control_rate(env: Any) -> float | None:
    """Actions per second, in Hz, of a ``gymnasium.Env``; None where it does not say.

    It is ``control_hz`` where there is such an attribute, else ``render_fps`` of its metadata: gymnasium draws a
    picture after each action.
    """
    known = _KNOWN.get(env.spec.id if env.spec is not None else "")
    said = known or getattr(env.unwrapped, "control_hz", None) or env.metadata.get("render_fps")
    try:
        rate = float(said)
    except (TypeError, ValueError):
        return None
    return rate if math.isfinite(rate) and rate > 0 else None
