"""Under ``rows`` an environment's actions are the same to the bit, whatever is beside it."""

from typing import Any

import numpy as np
import pytest
from scripted import perceptron, plain

from becalm_policies.control.policy import policy

MODEL = perceptron(plain(3, 2))
SEEN = np.random.default_rng(0).normal(size=(6, 19, 3))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"sampler": "ddpm"},
        {"ensemble": 0.1},
        {"warm": 0.5, "near_scale": 0.5},
        {"choose": "densest", "candidates": 3},
        {"guidance": 1.5, "delay": 2},
        {"avoid": (0.0, 0.0, 1.0)},
    ],
    ids=str,
)
def test_a_batch_gives_the_bits_of_each_alone(fields: dict[str, Any]) -> None:
    def acted(first: int, end: int) -> np.ndarray:
        actor = policy(MODEL, steps=2, rows=16, **fields)
        actor.reset(numbers=range(first, end))
        steps = []
        for step, seen in enumerate(SEEN[:, first:end]):
            if step == 3:
                actor.reset(np.arange(first, end) % 2 == 0, autoreset="disabled")
            steps.append(actor.act(seen))
        return np.stack(steps)

    whole = acted(0, 19)
    for first, end in ((0, 1), (7, 8), (3, 12), (2, 19)):
        assert np.array_equal(acted(first, end), whole[:, first:end])
