"""Chunks planned in a thread are executed as those of a policy that waits, as long as they come within the delay."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scripted import perceptron, plain, scripted
from torch import Tensor, nn

from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.model import Model
from becalm_policies.control.asynchronous import Asynchronous
from becalm_policies.control.policy import policy
from becalm_policies.networks.condition import Observed

DOMAIN = plain(2, 1, horizon=12, execute=4, rate=10.0)
SEEN = np.random.default_rng(0).normal(size=(40, 2))


class Gate(nn.Module):
    """A network that waits until it is let through."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.opened = network, threading.Semaphore(0)

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        assert self.opened.acquire(timeout=20)
        output: Tensor = self.network(x, level, cond)
        return output


@pytest.fixture
def gated() -> Model[Any]:
    model = perceptron(DOMAIN)
    return replace(model, network=Gate(model.network))


def settle(loop: Asynchronous) -> None:
    """Waits until what was begun is done."""
    loop._threads.submit(lambda: None).result(timeout=20)


@pytest.mark.parametrize("join", ["naive", "hold", "guide"])
@pytest.mark.parametrize("takes", [0, 1, 3])
def test_a_chunk_within_the_delay_is_executed_as_if_it_had_been_waited_for(
    gated: Model[Any], join: str, takes: int
) -> None:
    waits = policy(perceptron(DOMAIN), steps=1, delay=3, join=join)
    gate: Any = gated.network
    with Asynchronous(policy(gated, steps=1, delay=3, join=join)) as loop:
        gate.opened.release()
        for step, seen in enumerate(SEEN):
            action = None
            if not takes and step and step % 4 == 0:  # A chunk is asked for every four steps.
                gate.opened.release()
                action = loop.act(seen)
                settle(loop)
            elif step > takes and (step - takes) % 4 == 0:
                gate.opened.release()
                settle(loop)
            action = loop.act(seen) if action is None else action
            assert np.array_equal(action, waits.act(seen)), step
        gate.opened.release(3)


def test_a_late_chunk_takes_over_when_it_comes_and_until_then_the_one_before_goes_on(gated: Model[Any]) -> None:
    gate: Any = gated.network
    with Asynchronous(policy(gated, steps=1, delay=1, join="naive")) as loop:
        gate.opened.release()
        first = policy(perceptron(DOMAIN), steps=1).plan(SEEN[:1].repeat(2, 0)[None])[0, 1:]
        actions = [loop.act(seen) for seen in SEEN[:14]]
        # The second chunk was asked for with the fifth observation, and is not there: the last action is held.
        assert np.array_equal(actions, [*first, *[first[-1]] * 3])
        gate.opened.release()
        settle(loop)
        second = policy(perceptron(DOMAIN), steps=1).plan(SEEN[3:5][None], chunk=1)[0, 1:]
        gate.opened.release(9)
        assert loop.act(SEEN[14]) == pytest.approx(second[10])


def test_what_is_planned_for_an_old_episode_is_never_executed(gated: Model[Any]) -> None:
    gate: Any = gated.network
    with Asynchronous(policy(gated, steps=1, delay=3, join="naive")) as loop:
        gate.opened.release()
        for seen in SEEN[:6]:
            loop.act(seen)
        loop.reset(numbers=0)
        gate.opened.release(2)
        assert np.array_equal(loop.act(SEEN[9]), policy(perceptron(DOMAIN), steps=1).act(SEEN[9]))


def test_a_chunk_that_cannot_be_planned_is_an_error_of_the_call_that_would_take_it_and_the_loop_goes_on() -> None:
    broken = [False]

    def script(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        return x * (float("nan") if broken[0] else 0.0) + cond.features[:, -1:, :1]

    with Asynchronous(policy(scripted(script, DOMAIN), steps=1, delay=2)) as loop:
        for seen in SEEN[:4]:
            loop.act(seen)
        broken[0] = True
        loop.act(SEEN[4])
        settle(loop)
        with pytest.raises(UserError, match="not finite"):
            loop.act(SEEN[5])
        broken[0] = False
        for seen in SEEN[5:9]:
            assert np.isfinite(loop.act(seen)).all()


def test_the_age_of_an_observation_is_told_by_its_time() -> None:
    now, old = [7.0], policy(perceptron(DOMAIN), steps=1, delay=3)
    with Asynchronous(policy(perceptron(DOMAIN), steps=1, delay=3), clock=lambda: now[0]) as loop:
        for seen in SEEN[:9]:
            now[0] += 0.1
            found = loop.act(seen, now[0] - 0.19)
            settle(loop)
            assert np.array_equal(found, old.act(seen, age=2))
        for wrong in (now[0] + 1, float("nan"), -np.inf):
            with pytest.raises(UserError, match="time must be when the observation was made"):
                loop.act(SEEN[0], wrong)
        with pytest.raises(UserError, match="must be less than 11 control steps old, got 50"):
            loop.act(SEEN[0], now[0] - 5)


def test_what_cannot_run_in_real_time_is_one_sentence() -> None:
    with pytest.raises(UserError, match="an ensemble needs a chunk at every step"):
        Asynchronous(policy(perceptron(DOMAIN), ensemble=0.1))
    with pytest.raises(UserError, match="rate must be control steps per second"):
        Asynchronous(policy(perceptron(DOMAIN)), rate=0.0)
    with (
        Asynchronous(policy(perceptron(plain(2, 1)))) as loop,
        pytest.raises(UserError, match="this policy knows none"),
    ):
        loop.act([0.0, 0.0], 0.0)
    with pytest.raises(UserError, match="is closed"):
        loop.act([0.0, 0.0])
