"""Intervals agree with scipy's, and hold what they should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from becalm_policies.rollouts.estimates import Outcome, mean, percentiles, share, summarise


@given(st.integers(1, 700).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_the_interval_of_a_share_is_wilsons(trial: tuple[int, int]) -> None:
    successes, count = trial
    found = share(successes, count)
    known = stats.binomtest(successes, count).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize("count", [12, 50])
def test_the_interval_of_a_mean_is_the_percentile_bootstraps(count: int) -> None:
    values = np.random.default_rng(count).beta(5, 1, count)
    found = mean(values)
    known = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    error = values.std() / count**0.5
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=0.1 * error)


def test_intervals_are_a_function_of_the_seed_whatever_the_size() -> None:
    values = np.random.default_rng(0).normal(size=700)
    assert mean(values, 3) == mean(values, 3) != mean(values, 4)


def test_one_episode_has_no_spread() -> None:
    found = mean([0.4])
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 0.4, 0.4))


@pytest.mark.parametrize(("successes", "count"), [(0, 0), (3, 2), (-1, 4)])
def test_impossible_shares_are_refused(successes: int, count: int) -> None:
    with pytest.raises(ValueError, match="a share needs"):
        share(successes, count)


def test_a_mean_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        mean([])


def test_a_judgement_counts_what_the_environment_says() -> None:
    outcomes = [
        Outcome(0, 10, 1.0, 3.0, True, {"crash": False, "way": "over"}),
        Outcome(1, 20, 0.5, 1.0, False, {"crash": True, "way": "none"}),
        Outcome(2, 30, 0.0, -1.0, False, {"crash": True, "way": "over"}),
    ]
    found = summarise(outcomes)
    assert (found.best.value, found.total.value, found.steps) == pytest.approx((0.5, 1.0, 20.0))
    assert found.success == share(1, 3)
    assert found.notes == {"crash": share(2, 3), "way none": share(1, 3), "way over": share(2, 3)}
    assert summarise([*outcomes, Outcome(3, 1, 0.0, 0.0, None)]).success is None


def test_percentiles_are_in_milliseconds() -> None:
    assert percentiles([0.001] * 99 + [1.0]) == pytest.approx((1.0, 1.0))
