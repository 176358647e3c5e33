"""A policy acts by receding horizon, in a batch as alone, and its noise is a function of seed, number and chunk."""

from typing import Any

import numpy as np
import pytest
import torch
from scripted import Scripted, perceptron, plain, scripted
from torch import Tensor

from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.model import Model
from becalm.objective import Fixed, Objective
from becalm_policies.control.candidates import densest
from becalm_policies.control.chunk_noise import ChunkNoise
from becalm_policies.control.policy import Policy, policy
from becalm_policies.networks.condition import Observed
from becalm_policies.options import WatchOptions


def ramp(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
    """The chunk o, o + 1, o + 2, ... from the newest observation o on."""
    return cond.features[:, -1:, :1] + torch.arange(x.shape[1])[None, :, None]


def noise(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
    """Whatever x holds: the chunk is the noise it began as."""
    return x


def calls(actor: Policy) -> int:
    network = actor.model.network
    assert isinstance(network, Scripted)
    return network.calls


def walk(actor: Policy, steps: int, rows: int, seed: int = 0) -> np.ndarray:
    """Actions (steps, rows, A) on observations that depend on the step and the row only."""
    seen = np.random.default_rng(seed).normal(size=(steps, 8, actor.domain.observation_size))
    return np.stack([actor.act(seen[step, :rows]) for step in range(steps)])


@pytest.mark.parametrize(("history", "execute"), [(1, 6), (2, 3), (3, 1), (2, 5)])
def test_of_each_chunk_the_entries_from_the_newest_observation_on_are_executed(history: int, execute: int) -> None:
    actor = policy(scripted(ramp, plain(1, 1, history=history, execute=execute)), steps=2)
    actions = [float(actor.act([100.0 * step])[0]) for step in range(2 * execute)]
    first = history - 1
    assert actions[:execute] == [first + k for k in range(execute)]
    assert actions[execute:] == [100 * execute + first + k for k in range(execute)]
    assert calls(actor) == 2 * 2


def test_the_first_observation_stands_for_those_before_it() -> None:
    def oldest(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        return cond.features[:, :1, :1].expand_as(x)

    actor = policy(scripted(oldest, plain(1, 1, history=3, execute=1)), steps=1)
    assert [float(actor.act([value])[0]) for value in (5.0, 6.0, 7.0, 8.0)] == [5, 5, 5, 6]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"sampler": "ddpm"},
        {"ensemble": 0.1},
        {"warm": 0.5},
        {"warm": 0.5, "sampler": "ddpm", "near_scale": 0.5},
        {"choose": "densest", "candidates": 4},
        {"guidance": 1.5},
        {"avoid": (0.0, 0.0, 1.0)},
    ],
    ids=str,
)
def test_environments_of_a_batch_act_as_they_would_alone(fields: dict[str, Any]) -> None:
    model = perceptron(plain(3, 2))
    together = policy(model, steps=3, **fields)
    seen = np.random.default_rng(0).normal(size=(9, 4, 3))
    mask = np.array([False, True, False, True])
    batch = []
    for step in range(9):
        if step == 4:
            together.reset(mask, autoreset="disabled")
        batch.append(together.act(seen[step]))
    for row in range(4):
        alone = policy(model, steps=3, **fields)
        alone.reset(numbers=[row])
        for step in range(9):
            if step == 4 and mask[row]:
                alone.reset()
            assert alone.act(seen[step, row]) == pytest.approx(batch[step][row], abs=2e-5)


def test_a_batch_of_one_row_is_one_observation() -> None:
    model = perceptron(plain(3, 2))
    one, row = policy(model).act(np.ones(3)), policy(model).act(np.ones((1, 3)))
    assert one.shape == (2,) and row.shape == (1, 2) and np.array_equal(one, row[0])


def test_a_policy_that_is_reset_to_its_numbers_forgets_everything() -> None:
    actor = policy(perceptron(plain(3, 2)), steps=2, warm=0.5, near_scale=0.3)
    first = walk(actor, 7, 3)
    walk(actor, 5, 3, seed=1)
    actor.reset(numbers=range(3))
    assert np.array_equal(walk(actor, 7, 3), first)


def test_a_reset_alone_begins_a_new_episode_with_new_noise() -> None:
    actor = policy(scripted(noise, plain(1, 1)), steps=1)
    first = walk(actor, 2, 2)
    actor.reset()
    assert not np.array_equal(walk(actor, 2, 2), first)
    actor.reset(np.array([True, False]), numbers=[0, 7])
    assert walk(actor, 1, 2)[0, 0] == first[0, 0]


def test_noise_is_a_function_of_seed_environment_and_chunk() -> None:
    numbers, chunks = np.array([5, 0, 9]), np.array([3, 0, 40])
    whole = ChunkNoise(1, (2, 3, 2), torch.device("cpu")).start(numbers, chunks).reshape(3, 2, 3, 2)
    for row in range(3):
        alone = ChunkNoise(1, (2, 3, 2), torch.device("cpu"))
        for chunk in range(int(chunks[row]) + 1):
            drawn = alone.start(numbers[row : row + 1], np.array([chunk]))
        assert torch.equal(drawn, whole[row])
    other = ChunkNoise(2, (2, 3, 2), torch.device("cpu")).start(numbers, chunks).reshape(3, 2, 3, 2)
    assert len(torch.unique(torch.cat([whole, other]))) == 2 * whole.numel()


def test_steps_have_noise_of_their_own() -> None:
    chunk_noise, like = ChunkNoise(1, (1, 3, 2), torch.device("cpu")), torch.empty(2, 3, 2)
    first = chunk_noise.steps(np.array([0, 4]), np.array([0, 1]))
    noises = [first(like), first(like), chunk_noise.start(np.array([0, 4]), np.array([0, 1]))]
    assert len(torch.unique(torch.stack(noises))) == 3 * 12
    assert torch.equal(chunk_noise.steps(np.array([4]), np.array([1]))(like[:1]), noises[0][1:])


def test_the_ensemble_of_constant_chunks_is_the_constant() -> None:
    actor = policy(scripted(lambda x, level, cond: torch.full_like(x, 0.25), plain(1, 1)), steps=1, ensemble=0.3)
    assert walk(actor, 12, 2) == pytest.approx(0.25)


def test_the_ensemble_weighs_the_oldest_chunk_most() -> None:
    # Each chunk says when it was made.
    when = scripted(lambda x, level, cond: cond.features[:, -1:, :1].expand_as(x), plain(1, 1, history=1))
    actor = policy(when, steps=1, ensemble=0.5)
    for step in range(9):
        times = np.arange(max(step - 5, 0), step + 1)
        weights = np.exp(-0.5 * np.arange(len(times)))
        assert float(actor.act([float(step)])[0]) == pytest.approx((weights * times).sum() / weights.sum(), abs=1e-5)


def two_ways(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
    """The exact estimate of chunks that are all 1 or all -1."""
    evidence = (level.alpha / level.sigma**2 * x).sum((1, 2), keepdim=True)
    return torch.tanh(evidence).expand_as(x)


def test_a_warm_start_goes_on_the_way_begun_in_fewer_calls() -> None:
    domain = plain(1, 1)
    cold = policy(scripted(two_ways, domain), steps=10)
    ways = walk(cold, 30, 8)[::3, :, 0]
    assert (ways.std(0) > 0).any()
    warm = policy(scripted(two_ways, domain), steps=10, warm=0.3)
    kept = walk(warm, 30, 8)[::3, :, 0]
    assert np.array_equal(kept, np.repeat(kept[:1], 10, axis=0)) and set(kept[0].round()) == {-1.0, 1.0}
    assert (calls(cold), calls(warm)) == (100, 10 + 9 * 3)


def test_a_pull_to_the_chunk_before_lessens_the_jumps_between_chunks() -> None:
    def level_chunks(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        """The exact estimate of chunks whose entries are one normal number."""
        variance = level.alpha**2 + level.sigma**2 / x.shape[1]
        return (level.alpha * x.mean(1, keepdim=True) / variance).expand_as(x)

    def jump(**fields: Any) -> float:
        actions = walk(policy(scripted(level_chunks, plain(1, 1)), steps=8, **fields), 30, 8)[:, :, 0]
        return float(np.abs(actions[3::3] - actions[2:-1:3]).mean())

    assert jump(near_scale=0.0) == jump() > 0.7
    assert jump(near_scale=1.0) < 0.6 * jump()


def test_the_densest_candidate_is_no_outlier() -> None:
    crowd = 0.05 * torch.randn(3, 7, 4, 2, generator=torch.Generator().manual_seed(0))
    crowd[:, 0] += 3.0
    crowd[:, 1] -= 9.0
    assert bool((densest(crowd, 0.2) > 1).all())
    assert torch.equal(densest(crowd[:, :1], 0.2), torch.zeros(3, dtype=torch.long))
    far = torch.arange(4.0).reshape(1, 4, 1, 1) * 1e6
    assert densest(far, 0.1) == torch.tensor([0])


def test_the_best_candidate_is_the_one_that_scores_most() -> None:
    def score(chunks: np.ndarray, observations: np.ndarray) -> np.ndarray:
        assert chunks.shape == (2, 9, 6, 1) and observations.shape == (2, 2, 1)
        return chunks[:, :, 1, 0]

    actor = policy(scripted(noise, plain(1, 1)), score=score, steps=1, choose="best", candidates=9)
    drawn = ChunkNoise(0, (9, 6, 1), torch.device("cpu")).start(np.arange(2), np.zeros(2, np.int64)).reshape(2, 9, 6)
    assert actor.act(np.zeros((2, 1)))[:, 0] == pytest.approx(drawn[:, :, 1].amax(1).numpy())


def test_actions_stay_within_their_bounds() -> None:
    actor = policy(scripted(ramp, plain(1, 1, action_low=(-1.0,), action_high=(2.5,))), steps=1)
    assert [float(actor.act([0.0])[0]) for _ in range(3)] == [1.0, 2.0, 2.5]
    assert actor.plan(np.full((1, 2, 1), -9.0)).min() == -1.0


def test_a_plan_is_the_chunk_that_acting_would_execute_and_leaves_no_trace() -> None:
    actor, other = policy(perceptron(plain(3, 2))), policy(perceptron(plain(3, 2)))
    seen = np.random.default_rng(0).normal(size=(4, 3))
    chunk = other.plan(np.repeat(seen[:, None], 2, axis=1))
    for step in range(3):
        assert np.array_equal(actor.act(seen), chunk[:, 1 + step])
        other.plan(np.zeros((1, 2, 3)))
    assert np.array_equal(other.act(seen), chunk[:, 1])


def test_a_regression_is_asked_at_the_times_it_was_trained_at_and_without_noise() -> None:
    times: list[float] = []

    def noted(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        times.append(float(level.t))
        return torch.ones_like(x) + 10 * x.abs().sum() * (level.t == 1).float()

    model = scripted(noted, plain(1, 1))
    objective = Objective(prediction="x0", times=Fixed(times=(1.0, 0.1)))
    model = Model(model.domain, model.schedule, objective, model.network, model.codec, model.device, {})
    assert float(policy(model).act([0.0])[0]) == pytest.approx(1.0)
    assert times == pytest.approx([1.0, 0.1])
    policy(model, times=(1.0,)).act([0.0])
    assert len(times) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stepz": 3}, "unknown key 'stepz'"),
        ({"execute": 6}, "execute must be at most horizon - history \\+ 1 = 5, got 6"),
        ({"choose": "best"}, "choose best needs a score"),
        ({"warm": 1.5}, "warm must be less than 1, got 1.5"),
    ],
)
def test_wrong_options_are_one_sentence(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        policy(scripted(ramp, plain(1, 1)), **fields)


def test_wrong_observations_are_one_sentence() -> None:
    actor = policy(scripted(ramp, plain(2, 1)), steps=1)
    with pytest.raises(UserError, match=r"an observation must have 2 entries, got shape \(3,\)"):
        actor.act([1.0, 2.0, 3.0])
    with pytest.raises(UserError, match="observations must be finite"):
        actor.act([np.nan, 0.0])
    actor.reset()
    actor.act(np.zeros((3, 2)))
    with pytest.raises(UserError, match="acts in 3 environments, got 1"):
        actor.act([0.0, 0.0])


def test_actions_that_are_not_finite_are_never_executed() -> None:
    actor = policy(scripted(lambda x, level, cond: x * torch.nan, plain(1, 1)), steps=1)
    with pytest.raises(UserError, match="not finite"):
        actor.act([0.0])


def test_the_chunks_to_watch_have_their_old_name_as_well() -> None:
    assert WatchOptions.model_validate({"fan": 3}).chunks == 3
