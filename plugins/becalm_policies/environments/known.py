"""What is known of environments: names of observed entries, where actions are positions, what other players reach."""

from collections.abc import Mapping
from dataclasses import dataclass

PUSHT = "gym_pusht/PushT-v0"
STATE = "state"
"""The vector in the observations of an environment that is made with cameras."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "LunarLander-v3": ("x", "y", "x speed", "y speed", "angle", "turn", "left leg", "right leg"),
    "Pendulum-v1": ("cosine", "sine", "turn"),
    "becalm/Fork-v0": ("x", "y"),
    "becalm/Claw-v0": tuple(f"{name} {axis}" for name in ("star", "ring", "duck", "moon", "leaf") for axis in "xy"),
    PUSHT: ("agent x", "agent y", "block x", "block y", "block angle"),
}

PLANES: Mapping[str, bool] = {PUSHT: True, "becalm/Fork-v0": False}
"""Where an action is a position in the environment's picture: whether its second entry grows downwards."""


def observation_names(environment: str, size: int) -> list[str] | None:
    """What the entries of an observation are called, where that is known."""
    names = _NAMES.get(environment, ())
    return list(names) if len(names) == size else None


@dataclass(frozen=True, slots=True)
class Anchor:
    """Figures of one player in an environment.

    Attributes:
        player: ``human``, ``random``, or a demonstrator's name.
        reward: Mean over episodes of the largest reward, which Push-T goes by; else None.
        success: Share of episodes that succeeded, or None.
        gain: Mean return, or None.
        how: How it was measured.
    """

    player: str
    how: str
    reward: float | None = None
    success: float | None = None
    gain: float | None = None


_ANCHORS: Mapping[str, tuple[Anchor, ...]] = {
    PUSHT: (
        Anchor("human", "the actions of all 206 demonstrations replayed from their own starts", 0.9466, 7 / 206),
        Anchor("random", "targets sampled evenly, first 200 starts of protocol chi, 300 steps each", 0.108, 0.0),
    ),
    "LunarLander-v3": (
        Anchor("heuristic", "1000 episodes, seeds 0 to 999, standard error 0.8; 99.8 % reach 200", gain=282.8),
        Anchor("random", "actions sampled evenly, 1000 episodes, seeds 0 to 999, standard error 4", gain=-211.4),
    ),
    "becalm/Fork-v0": (
        Anchor("expert", "1000 episodes, seeds 0 to 999", 1.0, 1.0, 1.0),
        Anchor("random", "targets sampled evenly, 1000 episodes, seeds 0 to 999", 0.0, 0.0, -1.0),
    ),
    "becalm/Claw-v0": (
        Anchor("expert", "2000 episodes, seeds 0 to 1999", 1.0, 1.0, 1.0),
        Anchor("random", "points sampled evenly, 10000 episodes, standard error .004", 0.157, 0.157, 0.157),
    ),
}


def measured(environment: str) -> tuple[Anchor, ...]:
    """What other players reach in an environment, and how that was measured; empty if nothing is known."""
    return _ANCHORS.get(environment, ())


def anchors(environment: str) -> dict[str, float]:
    """The same as figures by name: ``human reward``, ``random success``, ``heuristic return``."""
    return {
        f"{anchor.player} {name}": value
        for anchor in measured(environment)
        for name, value in (("reward", anchor.reward), ("success", anchor.success), ("return", anchor.gain))
        if value is not None
    }
