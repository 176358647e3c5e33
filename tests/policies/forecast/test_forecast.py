"""Who knows what will be observed when a chunk begins acts as if there were no delay."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scripted import perceptron, plain, scripted
from torch import Tensor

from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm_policies.control.asynchronous import Asynchronous
from becalm_policies.control.join import Previous, fading
from becalm_policies.control.policy import Policy, policy
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.demonstrations.observe import PushT, Raw, SinCos
from becalm_policies.forecast.dynamics import Forecast, Shape
from becalm_policies.forecast.errors import errors
from becalm_policies.forecast.file import checkpoint, read
from becalm_policies.forecast.training import train
from becalm_policies.networks.condition import Observed

DOMAIN = plain(2, 2, horizon=16, history=2, execute=4)
PULL, DRAG = 0.3, 0.6


def servo(place: Array, before: Array, action: Array) -> Array:
    """A servo with inertia: its speed is not observed."""
    return place + DRAG * (place - before) + PULL * (action - place)


def wandering(count: int = 8, steps: int = 60, seed: int = 0) -> Episodes:
    """Episodes of the servo under actions of chance."""
    rng = np.random.default_rng(seed)
    observations, actions = [], rng.normal(size=(count * steps, 2))
    for episode in range(count):
        place = before = rng.normal(size=2)
        for step in range(steps):
            observations.append(place)
            place, before = servo(place, before, actions[episode * steps + step]), place
    return Episodes(np.array(observations), actions, np.arange(1, count + 1) * steps)


def trained(episodes: Episodes, shape: Shape, steps: int, **given: Any) -> Forecast:
    work = train(shape, episodes, steps=steps, seed=0, **given)
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: Forecast = end.value
            return found


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A forecast of the servo: its linear step, which a network that was not trained leaves as it is."""
    shape = Shape(observe=Raw(), observation_size=2, action_size=2, width=8, layers=1)
    path = tmp_path_factory.mktemp("forecast") / "servo.safetensors"
    checkpoint(trained(wandering(), shape, steps=1)).write(path)
    return str(path)


def played(act: Callable[[Array], Any], steps: int = 40) -> tuple[Array, Array]:
    """Places and actions of a policy that moves the servo."""
    place = before = np.array([0.5, -1.0])
    places, actions = [], []
    for _ in range(steps):
        action = np.asarray(act(place), np.float64)
        places.append(place)
        actions.append(action)
        place, before = servo(place, before, action), place
    return np.array(places), np.array(actions)


@pytest.mark.parametrize("join", ["naive", "hold"])
@pytest.mark.parametrize("delay", [1, 2, 3])
def test_with_an_exact_forecast_a_delay_changes_nothing(exact: str, delay: int, join: str) -> None:
    model = perceptron(DOMAIN)
    _, plainly = played(policy(model, steps=2).act)
    _, late = played(policy(model, steps=2, delay=delay, forecast=exact, join=join if join == "naive" else None).act)
    _, blind = played(policy(model, steps=2, delay=delay, join="naive").act)
    assert np.abs(late - plainly).max() < 1e-4 < 1e-2 < np.abs(blind - plainly).max()


def here(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
    """Chunks whose every action is the newest observation."""
    return cond.features[:, -1:, :].expand_as(x) + 0 * x


@pytest.mark.parametrize("execute", [2, 4])
@pytest.mark.parametrize("delay", [3, 4, 8])
def test_a_chunk_begins_with_the_observation_of_the_step_at_which_it_takes_over(
    exact: str, delay: int, execute: int
) -> None:
    actor = policy(scripted(here, DOMAIN), steps=1, delay=delay, execute=execute, forecast=exact)
    places, actions = played(actor.act)
    takes_over = np.arange(actor.timing.second + delay, len(places), execute)
    assert len(takes_over) > 5
    assert np.abs(actions[takes_over] - places[takes_over]).max() < 1e-4


def test_a_chunk_of_an_old_observation_begins_in_time_too(exact: str) -> None:
    actor = policy(scripted(here, DOMAIN), steps=1, delay=3, forecast=exact)
    seen: list[Array] = []

    def act(place: Array) -> Any:
        seen.append(place)
        return actor.act(seen[-2] if len(seen) > 1 else place, age=1 if len(seen) > 1 else 0)

    places, actions = played(act)
    # Each was observed a step before it was asked for, and a delay counts from the observation on.
    takes_over = np.arange(1 + 3 - 1, 30, 4)
    assert np.abs(actions[takes_over] - places[takes_over]).max() < 1e-4


def test_each_environment_has_a_forecast_of_its_own(exact: str) -> None:
    def alone(start: float) -> list[Any]:
        actor = policy(perceptron(DOMAIN), steps=1, delay=2, forecast=exact, rows=16)
        return [actor.act(np.full(2, start + 0.1 * step)) for step in range(12)]

    both = policy(perceptron(DOMAIN), steps=1, delay=2, forecast=exact, rows=16)
    found = np.array([both.act(np.array([[0.1 * step] * 2, [3 + 0.1 * step] * 2])) for step in range(12)])
    assert np.abs(found[:, 0] - alone(0.0)).max() < 1e-5
    # The second takes the noise of another environment.
    other = policy(perceptron(DOMAIN), steps=1, delay=2, forecast=exact, rows=16)
    other.reset(numbers=1)
    assert np.abs(found[:, 1] - [other.act(np.full(2, 3 + 0.1 * step)) for step in range(12)]).max() < 1e-5


def test_planned_in_a_thread_they_are_the_same(exact: str) -> None:
    waits = policy(perceptron(DOMAIN), steps=1, delay=3, forecast=exact)
    with Asynchronous(policy(perceptron(DOMAIN), steps=1, delay=3, forecast=exact), rate=10.0) as loop:
        for seen in np.random.default_rng(0).normal(size=(24, 2)):
            action = loop.act(seen)
            loop._threads.submit(lambda: None).result(timeout=20)
            assert np.array_equal(action, waits.act(seen))


def test_a_fade_begins_and_ends_level_and_leaves_the_rest_as_planned() -> None:
    known = torch.arange(12)[None] < 10
    found = fading(Previous(torch.zeros(1, 12, 1), known), 1, 2, 4)[0]
    expected = [0.5 + 0.5 * math.cos(math.pi * step / 5) for step in (1, 2, 3, 4)]
    assert found.tolist() == pytest.approx([1, 1, 1, *expected, 0, 0, 0, 0, 0])


# Learning


def swinging(count: int, seed: int, steps: int = 50) -> Episodes:
    """A pendulum that is pushed: its angle, 0 to 2 pi, jumps at a full turn, and its speed is not observed."""
    rng = np.random.default_rng(seed)
    angle, speed = rng.uniform(0, 2 * math.pi, count), rng.normal(0, 0.3, count)
    pushes, angles = rng.normal(0, 0.1, (steps, count)).cumsum(0) * 0.3, []
    for push in pushes:
        angles.append(angle % (2 * math.pi))
        speed = 0.95 * speed - 0.12 * np.sin(angle) + push
        angle = angle + speed
    flat = np.array(angles).T.reshape(-1, 1)
    return Episodes(flat, pushes.T.reshape(-1, 1), np.arange(1, count + 1) * steps)


@pytest.fixture(scope="module")
def pendulum() -> Forecast:
    shape = Shape(observe=SinCos(angles=(0,)), observation_size=1, action_size=1, width=64, layers=2)
    return trained(swinging(40, seed=0), shape, steps=600)


def test_what_does_not_move_linearly_is_learnt(pendulum: Forecast) -> None:
    found = {each.steps: each for each in errors(pendulum, swinging(20, seed=1))}
    shape = pendulum.shape
    line = {each.steps: each for each in errors(trained(swinging(40, seed=0), shape, steps=1), swinging(20, seed=1))}
    for steps, share in ((1, 0.35), (4, 0.8), (8, 0.8)):
        assert found[steps].foretold[0] < share * line[steps].foretold[0]
    assert line[1].foretold[0] < found[1].still[0]


def test_angles_go_the_short_way_round_and_stay_where_they_are_observed(pendulum: Forecast) -> None:
    said = pendulum(np.array([[[6.0], [6.2]], [[0.2], [0.01]]]), np.zeros((2, 3, 1)))
    assert bool(((said > -0.1) & (said < 2 * math.pi + 0.1)).all())
    turn = (said[:, 0, 0] - np.array([6.2, 0.01]) + math.pi) % (2 * math.pi) - math.pi
    assert np.abs(turn).max() < 0.6


def test_what_was_asked_for_beyond_the_bounds_moves_nothing() -> None:
    episodes = wandering()
    shape = Shape(observe=Raw(), observation_size=2, action_size=2, width=8, layers=1)
    wild = Episodes(episodes.observations, np.where(episodes.actions > 0, 1e6, episodes.actions), episodes.ends)
    high = np.zeros(2)
    within = trained(wild, shape, steps=1, low=-np.full(2, 9.0), high=high)
    as_executed = Episodes(episodes.observations, np.minimum(episodes.actions, 0), episodes.ends)
    assert torch.equal(within.linear, trained(as_executed, shape, steps=1).linear)


# Files


def test_a_file_foretells_to_the_bit_as_what_was_written(pendulum: Forecast, tmp_path: Path) -> None:
    checkpoint(pendulum).write(tmp_path / "a.safetensors")
    again = read(str(tmp_path / "a.safetensors"))
    seen, actions = np.random.default_rng(0).normal(size=(5, 2, 1)), np.zeros((5, 4, 1))
    assert again.shape == pendulum.shape
    assert np.array_equal(again(seen, actions), pendulum(seen, actions))


def test_what_does_not_fit_is_refused(exact: str, tmp_path: Path) -> None:
    def made(domain: Any = DOMAIN, **given: Any) -> Policy:
        return policy(perceptron(domain), **{"forecast": exact, "delay": 2, **given})

    with pytest.raises(UserError, match="unknown forecast 'pushed': known are pusht"):
        made(forecast="pushed")
    with pytest.raises(UserError, match="of 2 and actions of 2 entries, the policy 3 and 2"):
        made(plain(3, 2, horizon=16))
    with pytest.raises(UserError, match="an ensemble averages chunks of the past"):
        made(ensemble=0.1)
    with pytest.raises(UserError, match="skip must be at most 0 with a forecast"):
        made(skip=1)
    scene = Forecast(Shape(environment="a/B-v0", observe=Raw(), observation_size=2, action_size=2, width=4, layers=1))
    checkpoint(scene).write(tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="the forecast is of a/B-v0, the policy for c/D-v0"):
        made(DOMAIN.model_copy(update={"environment": "c/D-v0"}), forecast=str(tmp_path / "other.safetensors"))
    with pytest.raises(UserError, match="this policy sees pictures"):
        made(DOMAIN.model_copy(update={"hidden": (1,)}))
    two = Episodes(np.zeros((4, 2)), np.zeros((4, 2)), np.array([2, 4]))
    with pytest.raises(UserError, match="three observations in a row"):
        trained(two, Shape(observe=Raw(), observation_size=2, action_size=2), steps=1)


def test_what_turns_is_known_of_each_kind_of_features() -> None:
    assert (Raw().turning, SinCos(angles=(1, 3)).turning, PushT().turning) == ((), (1, 3), (4,))
