"""The policies domain keeps the contract, and its configuration means what it says."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pushing import pushing
from torch import Tensor

import becalm
from becalm.errors import UserError
from becalm.objective import Fixed, Objective
from becalm.schedule import Flow
from becalm.testing import check_domain
from becalm.train import Training, begin, train
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.domain import Policies
from becalm_policies.fitting import loaded

SMALL: dict[str, Any] = {"architecture": "mlp-tiny", "batch": 8}
PUSHT: dict[str, Any] = {
    "prepare": ("pusht_align", "pusht_mirror"),
    "observe": {"kind": "pusht"},
    "relative": (0, 1),
}


@pytest.mark.parametrize("settings", [{}, PUSHT, {"observe": {"kind": "sincos", "angles": (4,)}, "history": 1}])
def test_policies_keep_the_contract(demonstrations: Path, settings: dict[str, Any]) -> None:
    check_domain(Policies(data=str(demonstrations), **SMALL, **settings).fit())


def test_a_policy_says_what_it_is_trained_on_and_knows_it_again(demonstrations: Path) -> None:
    domain, fewer = (Policies(data=str(demonstrations), demonstrations=count, **SMALL) for count in (None, 2))
    assert domain.fingerprint() == domain.fingerprint() != fewer.fingerprint()
    assert fewer.summary().startswith("2 demonstrations") and "actions of 2 entries; none more" in fewer.summary()


def test_demonstrations_are_read_once_as_long_as_their_file_is_the_same(demonstrations: Path) -> None:
    domain = Policies(data=str(demonstrations), **SMALL)
    first = loaded(domain)
    assert loaded(domain) is first
    first.take([0]).write(demonstrations)
    assert len(loaded(domain)) == 1 and domain.summary().startswith("1 demonstration ")


def test_a_policy_reads_the_arrays_that_it_is_told_and_doubts_what_they_hold(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arm = {"pose": rng.normal(size=(60, 3)), "joint": rng.normal(size=(60, 2)), "go": rng.normal(size=(60, 2))}
    arm["joint"][7, 1] = 1e9
    np.savez(tmp_path / "arm.npz", **arm, episode_ends=np.array([5, 60]))
    told: dict[str, Any] = {"observe": {"kind": "raw", "keys": ("joint", "pose")}, "action_key": ("go",), **SMALL}
    domain = Policies(data=str(tmp_path / "arm.npz"), **told).fit()
    assert (domain.observation_size, domain.action_size) == (5, 2)
    outlier, short = domain.doubts()
    assert outlier.startswith("observation joint[1] is 1e+09 at step 7") and short.startswith(
        "1 of 2 episodes too short"
    )
    again = Policies.model_validate(domain.model_dump())
    assert again.observe.keys == ("joint", "pose") and again.doubts() == domain.doubts()


def test_a_policy_knows_the_rate_of_its_demonstrations(tmp_path: Path) -> None:
    shown = pushing()
    replace(shown, spec={**shown.spec, "rate": 25}).write(tmp_path / "fast.npz")
    assert Policies(data=str(tmp_path / "fast.npz"), **SMALL).fit().rate == 25
    assert Policies(data=str(tmp_path / "fast.npz"), rate=5.0, **SMALL).fit().rate == 5


@pytest.mark.parametrize("settings", [{}, PUSHT])
def test_encoded_actions_decode_to_themselves(demonstrations: Path, settings: dict[str, Any]) -> None:
    domain = Policies(data=str(demonstrations), **SMALL, **settings).fit()
    actions = torch.from_numpy(np.random.default_rng(0).uniform(0, 512, (5, 16, 2)))
    cond = domain.condition_on(pushing().observations[:10].reshape(5, 2, 5))
    codec = domain.codec()
    assert codec.decode(codec.encode(actions, cond), cond) == pytest.approx(actions.float(), abs=1e-3)


def test_a_sample_of_a_relative_policy_is_actions_where_the_observation_is() -> None:
    model = becalm.load("pusht", "cpu")
    assert model.domain.relative
    samples = model.sample(count=2, steps=4, seed=0)
    torch.testing.assert_close(samples.data, model.domain.actions(samples.x0, samples.cond))
    assert torch.equal(model.domain.arrays(samples.data, samples.cond)["actions"], samples.data)
    # A chunk begins near the agent, of whose place the condition tells.
    start = samples.cond.reference.reshape(2, -1)[:, :2]
    assert float((samples.data[:, 0] - start).abs().max()) < 100


def encoded(domain: Policies) -> Tensor:
    """All chunks in diffusion space."""
    batch = next(domain.batches("train", 0))
    return domain.codec().encode(batch.x0, batch.cond)


def test_absolute_chunks_fill_the_unit_box_and_relative_ones_have_unit_spread(demonstrations: Path) -> None:
    absolute = Policies(data=str(demonstrations), tail=0, batch=10_000).fit()
    x0 = encoded(absolute)
    assert x0.amin((0, 1)) == pytest.approx(-torch.ones(2), abs=1e-5)
    assert x0.amax((0, 1)) == pytest.approx(torch.ones(2), abs=1e-5)
    relative = Policies(data=str(demonstrations), relative=(0, 1), batch=10_000).fit()
    x0 = encoded(relative)
    assert (x0**2).mean((0, 2)) == pytest.approx(torch.ones(16), abs=1e-4)


def test_features_of_the_training_data_fill_the_unit_box(demonstrations: Path) -> None:
    domain = Policies(data=str(demonstrations), observe={"kind": "pusht"}, tail=16, batch=10_000).fit()
    features = next(domain.batches("train", 0)).cond.features
    assert float(features.min()) == pytest.approx(-1, abs=1e-5)
    assert float(features.max()) == pytest.approx(1, abs=1e-5)


def test_a_policy_without_statistics_refuses(demonstrations: Path) -> None:
    with pytest.raises(UserError, match="no normaliser statistics"):
        Policies(data=str(demonstrations)).network()


def test_far_observations_are_warned_of(demonstrations: Path) -> None:
    domain = Policies(data=str(demonstrations)).fit()
    with pytest.warns(UserWarning, match="entry 3 is 9000"):
        domain.condition_on(np.array([[[256, 256, 230, 9000, 1.0]] * 2]))
    with pytest.raises(UserError, match="finite"):
        domain.condition_on(np.full((1, 2, 5), np.nan))


def test_jitter_moves_what_is_observed_and_a_batch_is_a_function_of_its_number(demonstrations: Path) -> None:
    plain, moved = (
        Policies(data=str(demonstrations), batch=64, holdout=1, jitter=jitter).fit() for jitter in (0.0, 0.01)
    )
    batches = moved.batches("train", 3)
    next(batches)
    second, again = next(batches), next(moved.batches("train", 3, start=1))
    still = next(plain.batches("train", 3, start=1))
    assert torch.equal(second.cond.features, again.cond.features) and torch.equal(second.x0, still.x0)
    away = second.cond.features - still.cond.features
    # Features are ranges on [-1, 1], so noise of a hundredth of a range has a deviation of .02, all along a window.
    torch.testing.assert_close(away[:, 0], away[:, 1], rtol=0, atol=1e-6)
    assert 0.016 < float(away.std()) < 0.024
    kept = next(moved.batches("test", 3)).cond.features, next(plain.batches("test", 3)).cond.features
    assert torch.equal(*kept)


def test_demonstrations_limits_and_holdout_splits(demonstrations: Path) -> None:
    def windows(split: str, **settings: Any) -> int:
        return len(next(Policies(data=str(demonstrations), batch=10_000, **settings).fit().batches(split, 0)).x0)

    whole = windows("train")
    assert windows("train", demonstrations=1) < windows("train", demonstrations=2) < whole
    assert windows("train", holdout=1) + windows("test", holdout=1) == whole
    with pytest.raises(UserError, match="holdout"):
        Policies(data=str(demonstrations), holdout=3).fit()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"relative": (0,)}, "for each of the 2 entries"),
        ({"relative": (0, 9)}, "0 to 4"),
        ({"environment": "LunarLander-v3"}, "are of gym_pusht/PushT-v0, not of LunarLander-v3"),
    ],
)
def test_settings_that_do_not_fit_the_data_are_refused(
    demonstrations: Path, settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        Policies(data=str(demonstrations), **settings).fit()


def test_a_chunk_must_reach_as_far_as_it_is_executed() -> None:
    with pytest.raises(ValueError, match="at most horizon"):
        Policies(horizon=8, history=2, execute=8)


def test_regression_learns_the_mean_and_never_looks_at_the_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sign = np.repeat(rng.permutation([-1.0, 1.0] * 100), 4)
    episodes = Episodes(np.zeros((800, 1)), sign[:, None] + 0.5, np.arange(4, 801, 4))
    episodes.write(tmp_path / "two.npz")
    domain = Policies(
        data=str(tmp_path / "two.npz"), history=1, horizon=4, execute=4, tail=4, blind=True, **SMALL
    ).fit()
    objective = Objective(prediction="x0", times=Fixed(times=(1.0,)), drop=0.0)
    state = begin(domain, Flow(), objective, Training(steps=150, rate=3e-3, warmup=0), torch.device("cpu"))
    for _ in train(state):
        pass
    batch = next(islice(domain.batches("train", 0), 1))
    level = Flow()(torch.tensor(1.0, dtype=torch.float64))
    network = state.network.eval()
    one, two = (network(torch.randn(8, 4, 1), level, batch.cond).detach() for _ in range(2))
    assert torch.equal(one, two)
    assert float(domain.actions(one, batch.cond).mean()) == pytest.approx(0.5, abs=0.15)
