"""Each way of scaling does what its name says, and none blows up what stands still."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.normalise import METHODS, methods_of, scales
from becalm_policies.demonstrations.statistics import Statistics
from becalm_policies.domain import Policies

VALUES = st.integers(0, 10_000).map(lambda seed: 10 * np.random.default_rng(seed).standard_t(2, (200, 2)))


def scaled(values: np.ndarray, method: str) -> np.ndarray:
    shift, scale = scales(values, [method] * values.shape[1])
    return (values - shift) / scale


@settings(max_examples=30, deadline=None)
@given(VALUES)
def test_each_method_keeps_its_law(values: np.ndarray) -> None:
    by = {method: scaled(values, method) for method in METHODS}
    assert by["range"].min(0) == pytest.approx([-1, -1]) and by["range"].max(0) == pytest.approx([1, 1])
    assert by["mean-std"].mean(0) == pytest.approx([0, 0], abs=1e-8)
    assert by["mean-std"].std(0) == pytest.approx([1, 1])
    assert np.quantile(by["quantile"], (0.01, 0.99), axis=0) == pytest.approx(np.array([[-1, -1], [1, 1]]))


@settings(max_examples=30, deadline=None)
@given(VALUES, st.floats(-1e3, 1e3), st.floats(1e-2, 1e3), st.sampled_from(METHODS))
def test_units_and_origin_do_not_matter(values: np.ndarray, origin: float, unit: float, method: str) -> None:
    assert scaled(origin + unit * values, method) == pytest.approx(scaled(values, method), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 0.04, -1e6])
def test_what_stands_still_is_moved_to_zero_and_not_scaled(method: str, value: float) -> None:
    noise = np.random.default_rng(0).normal(size=(500, 1))
    for size in (0.0, 1e-9, 1e-8 * abs(value)):
        assert np.abs(scaled(value + size * noise, method)).max() <= 1e-7 * max(abs(value), 1)


def test_one_outlier_does_not_set_the_scale_of_quantiles() -> None:
    values = np.random.default_rng(0).normal(size=(2000, 1))
    values[777] = 1e12
    assert np.ptp(np.delete(scaled(values, "range"), 777)) < 1e-9
    assert np.delete(scaled(values, "quantile"), 777).std() > 0.3


def test_a_rare_event_is_scaled_by_its_range_where_quantiles_do_not_see_it() -> None:
    values = np.zeros((1000, 1))
    values[3] = 1
    assert scaled(values, "quantile").tolist() == scaled(values, "range").tolist()


def arm() -> Episodes:
    rng = np.random.default_rng(0)
    spec = {"keys": {"pose": 2, "grip": 1}, "observation": ["x", "y", "grip"], "action_keys": {"go": 1, "turn": 1}}
    seen = rng.normal(size=(200, 3)) * [1, 10, 0.1] + 5
    return Episodes(seen, rng.normal(size=(200, 2)) * [3, 0.1], np.array([100, 200]), spec=spec)


def test_methods_are_chosen_for_all_for_an_array_or_for_an_entry() -> None:
    chosen = ("grip=quantile", "mean-std", "y=range")
    assert methods_of(arm(), "observation", chosen, "--normalise") == ["mean-std", "range", "quantile"]
    assert methods_of(arm(), "action", ("turn=quantile",), "--normalise-actions") == ["range", "quantile"]
    with pytest.raises(UserError, match="must name an array or an entry, got 'gripp', known are .*'grip'"):
        methods_of(arm(), "observation", ("gripp=range",), "--normalise")


@pytest.fixture
def path(tmp_path: Path) -> str:
    arm().write(tmp_path / "arm.npz")
    return str(tmp_path / "arm.npz")


SMALL: dict[str, Any] = {"architecture": "mlp-tiny", "batch": 10_000, "tail": 16, "holdout": 0, "reference": "none"}


@pytest.mark.parametrize("relative", [(), (0, 1)])
def test_a_policy_sees_and_acts_in_the_scales_that_are_chosen(path: str, relative: tuple[int, ...]) -> None:
    domain = Policies(
        data=path, normalise=("mean-std", "grip=quantile"), normalise_actions=("mean-std",), relative=relative, **SMALL
    ).fit()
    batch = next(domain.batches("train", 0))
    features = batch.cond.features.flatten(0, 1)
    assert features[:, :2].std(0) == pytest.approx(torch.ones(2), abs=0.05)
    assert float(features[:, 2].quantile(0.99)) == pytest.approx(1, abs=0.05)
    x0 = domain.codec().encode(batch.x0, batch.cond)
    assert x0.std((0, 1)) == pytest.approx(torch.ones(2), abs=1e-3)
    assert domain.codec().decode(x0, batch.cond) == pytest.approx(batch.x0, abs=1e-4)


def test_statistics_of_before_scale_by_the_range_to_the_bit() -> None:
    seen = arm().observations
    now = Statistics.of(seen, seen, seen[:, None, :2], spread=False, examples=seen[None, :2])
    before = now.model_copy(update={"feature_shift": None, "feature_scale": None})
    assert np.array_equal(now.normalise(seen), before.normalise(seen))


def test_what_cannot_be_chosen_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="must be one of range, mean-std, quantile, or KEY=METHOD, got 'quantil'"):
        Policies(normalise=("quantil",))
    observe = {"kind": "sincos", "angles": (2,)}
    assert Policies(data=path, observe=observe, normalise=("x=quantile",), **SMALL).fit().statistics is not None


def test_statistics_that_were_used_equal_those_that_were_not() -> None:
    rows = np.random.default_rng(0).normal(size=(6, 2))
    fields = {"spread": False, "examples": rows[None, :1]}
    used, other = (Statistics.of(rows, rows, rows[:, None], **fields) for _ in range(2))
    used.normalise(rows)
    assert not used.warn_if_far(rows) and used == other
    assert used != Statistics.of(2 * rows, rows, rows[:, None], **fields)


def test_what_is_near_the_training_range_is_finite_and_warned_of_by_nobody() -> None:
    rows = np.random.default_rng(0).normal(size=(6, 2))
    statistics = Statistics.of(rows, rows, rows[:, None], spread=False, examples=rows[None, :1])
    assert statistics.near(rows) and not statistics.warn_if_far(rows)
    for wrong in (np.nan, np.inf, -np.inf):
        assert not statistics.near(np.where(rows == rows.max(), wrong, rows))
    with pytest.warns(UserWarning, match="far outside the training range"):
        assert not statistics.near(rows + 1e6) and statistics.warn_if_far(rows + 1e6)
