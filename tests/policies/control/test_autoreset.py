"""In each mode of gymnasium's vector environments an episode begins with its own first observation and nothing else."""

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
import reaching  # noqa: F401 (registers itself)
import torch
from gymnasium.vector import AutoresetMode
from scripted import plain, scripted
from torch import Tensor

from becalm.level import NoiseLevel
from becalm_policies.control.policy import Policy, policy
from becalm_policies.networks.condition import Observed

NAMES = {
    AutoresetMode.NEXT_STEP: "next-step",
    AutoresetMode.SAME_STEP: "same-step",
    AutoresetMode.DISABLED: "disabled",
}


def towards(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
    """Towards the goal, from the older observation: a chunk that mixes two episodes goes astray."""
    goal, place = cond.features[:, 0, :2], cond.features[:, 0, 2:]
    return ((goal - place) * 2).clamp(-1, 1)[:, None].expand_as(x) + 0 * x


def episodes(actor: Policy, mode: AutoresetMode, said: Any, steps: int = 60) -> Iterator[tuple[Any, Any]]:
    """What two environments are, and what is done there: (B, 4) observations and (B, 2) actions; resets as users do."""
    make = [lambda: gymnasium.make("reaching/box-v0", max_episode_steps=9)] * 2
    envs = gymnasium.vector.SyncVectorEnv(make, autoreset_mode=mode)
    seen, _ = envs.reset(seed=3)
    actor.reset()
    for _ in range(steps):
        actions = actor.act(seen)
        yield seen.copy(), actions
        seen, _, ended, cut, _ = envs.step(actions)
        done = ended | cut
        if done.any():
            if mode is AutoresetMode.DISABLED:
                seen, _ = envs.reset(options={"reset_mask": done})
            actor.reset(done, autoreset=said)
    envs.close()


def actor(**fields: Any) -> Policy:
    return policy(scripted(towards, plain(4, 2, history=2, execute=3)), steps=1, **fields)


def firsts(steps: list[tuple[Any, Any]], row: int, mode: AutoresetMode) -> list[int]:
    """At which steps an episode's first observation came: the goal is another than before."""
    goals = np.array([seen[row, :2] for seen, _ in steps])
    return [0, *(np.flatnonzero((goals[1:] != goals[:-1]).any(1)) + 1)]


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("delay", [0, 2])
def test_an_episode_is_acted_in_as_if_there_had_been_none_before(mode: AutoresetMode, said: bool, delay: int) -> None:
    steps = list(episodes(actor(delay=delay), mode, mode if said else None))
    for row in range(2):
        begin = firsts(steps, row, mode)
        assert len(begin) > 4
        # In mode next-step the last observation of each is one that the next episode's first action is ignored at.
        for first, end in zip(begin, begin[1:], strict=False):
            alone = actor(delay=delay)
            own = [steps[step] for step in range(first, end - (mode is AutoresetMode.NEXT_STEP))]
            if not said and mode is not AutoresetMode.NEXT_STEP and first:
                # Not told that it was the first, the policy begins once more with the second.
                assert np.array_equal(own[0][1][row], alone.act(own[0][0][row]))
                own, alone = own[1:], actor(delay=delay)
            for seen, actions in own:
                assert np.array_equal(actions[row], alone.act(seen[row]))


def test_between_two_episodes_the_last_action_is_held() -> None:
    steps = list(episodes(actor(), AutoresetMode.NEXT_STEP, "next-step"))
    begin = firsts(steps, 0, AutoresetMode.NEXT_STEP)[1:]
    for first in begin:
        assert np.array_equal(steps[first - 1][1][0], steps[first - 2][1][0])


@pytest.mark.parametrize("said", [None, "next-step"])
def test_what_comes_between_two_episodes_takes_no_noise(said: Any) -> None:
    def noise(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        return x

    seen = torch.zeros(2, 1).numpy()
    one, other = (policy(scripted(noise, plain(1, 1)), steps=1) for _ in range(2))
    one.act(seen), other.act(seen)
    one.reset([True, False], autoreset=said)
    other.reset([True, False], autoreset="same-step")
    one.act(seen)
    assert np.array_equal(one.act(seen)[0], other.act(seen)[0])


@pytest.mark.parametrize("mode", AutoresetMode)
def test_a_mode_has_its_name(mode: AutoresetMode) -> None:
    one, other = actor(), actor()
    for each, said in ((one, mode), (other, NAMES[mode])):
        each.act(np.zeros((2, 4)))
        each.reset([True, False], autoreset=said)
    for _ in range(3):
        assert np.array_equal(one.act(np.ones((2, 4))), other.act(np.ones((2, 4))))
