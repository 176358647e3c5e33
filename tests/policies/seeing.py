"""A small policy that sees, and demonstrations for it: a mark in a picture, and actions that go there."""

from typing import Any

import numpy as np

from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.frames import Frames, Pixels
from becalm_policies.domain import Policies

SIZE = (16, 24)
SMALL: dict[str, Any] = {
    "architecture": "mlp-tiny",
    "batch": 8,
    "vision": {"widths": (8, 8), "patch": 2, "keypoints": 4, "outline": 4, "told": 16},
}


def marked(places: Any, size: tuple[int, int] = SIZE, seed: int = 0) -> Pixels:
    """Noisy pictures (N, H, W, 3) with a bright column at each place, -1 to 1 from left to right."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 60, (len(places), *size, 3), dtype=np.uint8)
    columns = np.rint((np.asarray(places) + 1) / 2 * (size[1] - 1)).astype(int)
    for picture, column in zip(pictures, columns, strict=True):
        picture[:, max(column - 1, 0) : column + 2] = 250
    return pictures


def pointing(count: int = 4, steps: int = 12, seed: int = 0, cameras: tuple[str, ...] = ("image",)) -> Episodes:
    """Episodes whose action is where the picture's mark stands; of the vector, only the last entry tells it."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(-0.8, 0.8, count).repeat(steps)
    observations = np.stack([rng.normal(size=count * steps), rng.normal(size=count * steps), places], axis=1)
    frames = {name: Frames.of(marked(places, seed=seed + number)) for number, name in enumerate(cameras)}
    ends = np.arange(1, count + 1) * steps
    spec = {"action_low": [-1.0], "action_high": [1.0], "observation": ["a", "b", "place"]}
    return Episodes(observations, places[:, None], ends, None, "", spec, cameras=frames)


def domain(path: Any, **settings: Any) -> Policies:
    """A policy of the store at a path."""
    return Policies(data=str(path), **{**SMALL, **settings}).fit()
