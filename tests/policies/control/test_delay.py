"""Under a delay a chunk takes over so many steps after its observation, and what is executed until then is known."""

from typing import Any

import numpy as np
import pytest
import torch
from scripted import perceptron, plain, scripted
from torch import Tensor

from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.schedule import Flow, levels
from becalm_policies.control.join import Previous, executed, prefix, weights
from becalm_policies.control.policy import Policy, policy
from becalm_policies.networks.condition import Observed


def ramp(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
    """The chunk o, o + 1, o + 2, ... from the newest observation o on."""
    return cond.features[:, -1:, :1] + torch.arange(x.shape[1])[None, :, None] + 0 * x


def acted(steps: int, **fields: Any) -> list[float]:
    """Actions on observations 100 k, of chunks whose entry j for step k says 100 k + j."""
    actor = policy(scripted(ramp, plain(1, 1, horizon=12, history=1, execute=4)), steps=1, **fields)
    return [float(actor.act([100.0 * step])[0]) for step in range(steps)]


def of(step: int, *entries: int) -> list[float]:
    return [100.0 * step + entry for entry in entries]


def test_without_a_delay_a_chunk_is_executed_from_its_observation_on() -> None:
    assert acted(8) == acted(8, delay=0) == [*of(0, 0, 1, 2, 3), *of(4, 0, 1, 2, 3)]


@pytest.mark.parametrize("join", ["naive", "hold"])
def test_a_chunk_takes_over_when_the_delay_ends_at_the_action_whose_time_it_is(join: str) -> None:
    assert acted(14, delay=2, join=join) == [*of(0, 0, 1, 2, 3, 4, 5), *of(4, 2, 3, 4, 5), *of(8, 2, 3, 4, 5)]


def test_chunks_may_be_asked_for_more_often_than_the_delay_is_long() -> None:
    expected = [*of(0, 0, 1, 2, 3, 4), *of(1, 4), *of(2, 4), *of(3, 4)]
    assert acted(8, delay=4, execute=1, join="naive") == expected


def test_a_chunk_may_be_executed_from_its_beginning_late() -> None:
    assert acted(9, delay=3, execute=2, skip=0) == [*of(0, 0, 1, 2, 3, 4), *of(2, 0, 1), *of(4, 0, 1)]


def test_the_last_action_is_held_where_a_chunk_ends() -> None:
    expected = [*range(12), 11, 11, 11, 11, 11, *of(8, 9)]
    assert acted(18, delay=9, execute=8, join="naive") == [float(value) for value in expected]


def test_an_old_observation_counts_towards_the_delay() -> None:
    actor = policy(scripted(ramp, plain(1, 1, horizon=12, history=1, execute=4)), steps=1, delay=3, join="naive")
    actions = [float(actor.act([100.0 * step], age=1)[0]) for step in range(9)]
    # The first chunk's action for now is its second; the next takes over two steps after it was asked for.
    assert actions == [*of(0, 1, 2, 3, 4, 5, 6), *of(4, 3, 4, 5)]
    with pytest.raises(UserError, match="less than 12 control steps old, got 12"):
        actor.act([0.0], age=12)
    for age in (-1, 1.0, True):
        with pytest.raises(UserError, match="age must be a whole number"):
            actor.act([0.0], age=age)  # type: ignore[arg-type]


def test_an_ensemble_leaves_out_what_is_not_there_yet() -> None:
    when = scripted(lambda x, level, cond: cond.features[:, -1:, :1].expand_as(x), plain(1, 1, history=1))
    actor = policy(when, steps=1, ensemble=0.5, delay=2)
    for step in range(9):
        times = np.arange(max(step - 5, 0), max(step - 2, 0) + 1)
        weigh = np.exp(-0.5 * np.arange(len(times)))
        assert float(actor.act([float(step)])[0]) == pytest.approx((weigh * times).sum() / weigh.sum(), abs=1e-5)


def smooth(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
    """The exact estimate of chunks that wander: a Gaussian with covariance min(i, j) + 1, about the observation."""
    index = torch.arange(x.shape[1], dtype=torch.float64) + 1
    covariance = torch.minimum(index[:, None], index[None, :])
    alpha, sigma = level.alpha.double(), level.sigma.double()
    gain = alpha * covariance @ torch.linalg.inv(alpha**2 * covariance + sigma**2 * torch.eye(len(index)))
    middle = cond.features[:, -1:, :1].double()
    found = middle + torch.einsum("ij,bja->bia", gain, x.double() - alpha * middle)
    return found.to(x)


def jumps(actor: Policy, steps: int = 60, execute: int = 4, delay: int = 3) -> float:
    """The mean size of the step from one chunk to the next, relative to that within chunks."""
    seen = np.random.default_rng(1).normal(size=(steps, 64, 1)) * 0.1
    actions = np.stack([actor.act(each) for each in seen])[:, :, 0]
    step = np.abs(np.diff(actions, axis=0)).mean(1)
    at = np.array([t > delay + execute and (t - delay) % execute == 0 for t in range(1, steps)])
    return float(step[at].mean() / step[~at].mean())


def test_what_is_known_of_a_chunk_draws_the_rest_to_it() -> None:
    model = scripted(smooth, plain(1, 1, horizon=12, history=2, execute=4))
    size = {join: jumps(policy(model, steps=8, delay=3, join=join)) for join in ("naive", "hold", "guide")}
    assert size["naive"] > 2 > size["guide"]
    assert size["hold"] < size["naive"]


def test_a_blend_stays_with_the_chunk_before_at_first() -> None:
    # Chunks 0, 100, 200, ... that say when they were made, each blended with the one in use.
    when = scripted(
        lambda x, level, cond: cond.features[:, -1:, :1].expand_as(x), plain(1, 1, 12, history=1, execute=4)
    )
    actor = policy(when, steps=1, delay=2, join="naive", blend=0.5)
    actions = np.array([float(actor.act([100.0 * step])[0]) for step in range(10)])
    known = torch.arange(12)[None] < 8
    bound = weights(Previous(torch.zeros(1, 12, 1), known), 0, 2)[0].numpy()
    assert actions[:6].tolist() == [0.0] * 6
    assert actions[6:10] == pytest.approx(400 * (1 - 0.5 * bound[2:6]), rel=1e-5)
    assert bool((np.diff(actions[6:10]) > 0).all())


def test_the_weights_of_real_time_chunking() -> None:
    known = torch.arange(12)[None] < 9
    first, delay, end = 1, 3, 8
    found = weights(Previous(torch.zeros(1, 12, 1), known), first, delay)[0]
    for entry in range(12):
        j = entry - first
        c = (end - j) / (end - delay + 1)
        expected = 1.0 if j < delay else c * (np.exp(c) - 1) / (np.e - 1) if j < end else 0.0
        assert float(found[entry]) == pytest.approx(expected)
    assert executed(Previous(torch.zeros(1, 12, 1), known), first, delay)[0].tolist() == [True] * 4 + [False] * 8


def test_a_prefix_comes_to_the_network_clean_and_stays_as_it_is() -> None:
    values, mask = torch.randn(2, 6, 2), torch.zeros(2, 6, 2, dtype=torch.bool)
    mask[0, :3] = True

    def denoise(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        assert torch.equal(x[mask], values[mask]) and not x[~mask].any()
        assert bool((level.sigma[mask] == 0).all()) and bool((level.alpha[mask] == 1).all())
        assert bool((level.sigma[~mask] == level.sigma.max()).all()) and level.t.numel() == 2
        return x + 1

    cond = Observed(torch.zeros(2, 1, 1), torch.zeros(2, 2))
    found = prefix(values, mask)(denoise)(torch.zeros(2, 6, 2), levels(Flow(), 4)[1], cond)
    assert torch.equal(found, torch.where(mask, values, 1.0))


@pytest.mark.parametrize("architecture", ["mlp-tiny", "sieve-tiny", "unet-tiny", "transformer-tiny"])
def test_every_network_takes_a_prefix(architecture: str) -> None:
    actor = policy(perceptron(plain(3, 2, horizon=8, architecture=architecture)), steps=2, delay=2, join="prefix")
    actions = [actor.act(np.ones(3)) for _ in range(8)]
    assert np.isfinite(actions).all()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"delay": 5}, r"delay must be below horizon - history \+ 1 = 5, got 5"),
        ({"delay": 2, "skip": 3}, "skip must be at most delay = 2, got 3"),
        ({"delay": -1}, "delay must be greater than or equal to 0"),
        ({"delay": 1, "join": "held"}, "join must be 'naive', 'hold', 'guide' or 'prefix', got 'held'"),
    ],
)
def test_delays_that_cannot_be_are_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        policy(scripted(ramp, plain(1, 1)), **fields)
