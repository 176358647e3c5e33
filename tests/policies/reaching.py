"""A point that reaches for a goal: a gymnasium environment of one's own, and who plays it."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

_PAIR = spaces.Box(-2, 2, (2,), np.float32)
_SPACES: dict[str, spaces.Space[Any]] = {
    "box": spaces.Box(-2, 2, (4,), np.float32),
    "dict": spaces.Dict(
        {"observation": _PAIR, "desired_goal": _PAIR, "picture": spaces.Box(0, 255, (4, 4, 3), np.uint8)}
    ),
}


class Reaching(gymnasium.Env):  # type: ignore[misc]
    """Goal and place; an action is a step in Box(-1, 1); it ends where the goal is reached."""

    def __init__(self, kind: str = "box") -> None:
        self.kind = kind
        self.action_space = spaces.Box(-1, 1, (2,), np.float32)
        self.observation_space = _SPACES[kind]

    def seen(self) -> Any:
        goal, place = self.goal.astype(np.float32), self.place.astype(np.float32)
        if self.kind == "box":
            return np.concatenate([goal, place])
        return {"observation": place, "desired_goal": goal, "picture": np.zeros((4, 4, 3), np.uint8)}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.place, self.goal = self.np_random.uniform(-1, 1, (2, 2))
        return self.seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.place = self.place + 0.1 * np.clip(action, -1, 1)
        far = float(np.linalg.norm(self.place - self.goal))
        return self.seen(), -far, far < 0.1, False, {"is_success": far < 0.1}


for _kind in _SPACES:
    gymnasium.register(
        f"reaching/{_kind}-v0", entry_point="reaching:Reaching", kwargs={"kind": _kind}, max_episode_steps=50
    )


def go(observation: Any) -> Any:
    return np.clip((observation[:2] - observation[2:]) * 5, -1, 1)


class Choosing(gymnasium.ActionWrapper):  # type: ignore[misc]
    """CartPole that takes a score for each choice."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(gymnasium.make("CartPole-v1", **settings))
        self.action_space = spaces.Box(0, 1, (2,), np.float32)

    def action(self, action: Any) -> int:
        return int(np.argmax(action))
