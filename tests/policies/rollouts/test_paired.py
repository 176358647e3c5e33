"""Comparisons on matched starts: exact where they say so, silent on equal pairs, and their power is what they print."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from becalm_policies.rollouts.estimates import Estimate
from becalm_policies.rollouts.paired import (
    Difference,
    exact_flips,
    holm,
    mcnemar,
    share_difference,
    sign_flips,
    successes,
    values,
)
from becalm_policies.rollouts.power import power, visible, visible_share
from becalm_policies.rollouts.verdict import verdicts

COUNT = 500


def discordant(count: int, discordance: float, difference: float, pairs: int, seed: int) -> np.ndarray:
    """(pairs, 2) starts that only the first, only the second policy masters, of simulated comparisons."""
    shares = [(discordance - difference) / 2, (discordance + difference) / 2, 1 - discordance]
    return np.random.default_rng(seed).multinomial(count, shares, size=pairs)[:, :2]


def apart(first: int, second: int, count: int) -> np.ndarray:
    """(count,) differences of so many starts that only one policy masters."""
    return np.repeat([-1, 1, 0], [first, second, count - first - second])


def beta_pairs(difference: float, episodes: int, pairs: int, seed: int) -> np.ndarray:
    """(pairs, 2, episodes, COUNT) successes of policies at .90 and below, under starts of their own difficulty.

    Successes of two episodes of a start correlate by .1, as measured on Push-T (see docs/policies.md).
    """
    rng = np.random.default_rng(seed)
    shares = np.array([0.9, 0.9 - difference])
    levels = (np.arange(100) + 0.5) / 100
    table = np.stack([stats.beta.ppf(levels, 9 * share, 9 * (1 - share)) for share in shares])
    easy = np.moveaxis(table[:, rng.integers(100, size=(pairs, 1, COUNT))], 0, 1)
    found: np.ndarray = rng.random((pairs, 2, episodes, COUNT)) < easy
    return found


# McNemar's test


@given(st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=40, deadline=None)
def test_mcnemar_is_the_exact_binomial_test_of_discordant_starts(first: int, second: int) -> None:
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_starts_on_which_both_do_alike_say_nothing() -> None:
    few = successes([True, False, True, True], [False, False, True, False])
    many = successes([True, False, True, True] + [True, False] * 50, [False, False, True, False] + [True, False] * 50)
    assert few.discordant == many.discordant == (2, 0)
    assert few.p == many.p == 0.5


def test_exchanging_the_policies_turns_the_difference_round() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random(90) < 0.8, rng.random(90) < 0.5
    there, back = successes(one.tolist(), other.tolist()), successes(other.tolist(), one.tolist())
    assert there.p == back.p and there.visible == back.visible
    assert there.estimate.value == -back.estimate.value
    assert (there.estimate.low, there.estimate.high) == pytest.approx((-back.estimate.high, -back.estimate.low))


@pytest.mark.parametrize("discordance", [0.02, 0.1, 0.2])
def test_no_difference_is_called_in_95_of_100_equal_pairs(discordance: float) -> None:
    pairs = discordant(COUNT, discordance, 0.0, 4000, 0)
    assert np.mean([mcnemar(*map(int, pair)) > 0.05 for pair in pairs]) >= 0.95


@pytest.mark.parametrize(("discordance", "difference"), [(0.1, 0.05), (0.16, 0.05), (0.2, 0.03), (0.06, 0.06)])
def test_the_power_is_the_share_of_simulated_comparisons_that_are_called(discordance: float, difference: float) -> None:
    pairs = discordant(COUNT, discordance, difference, 4000, 1)
    called = float(np.mean([mcnemar(*map(int, pair)) <= 0.05 for pair in pairs]))
    assert power(COUNT, discordance, difference) == pytest.approx(called, abs=4 * math.sqrt(0.25 / 4000))


@pytest.mark.parametrize(("count", "discordance"), [(500, 0.1), (50, 0.2), (500, 0.0), (20, 0.5)])
def test_a_visible_difference_is_called_in_80_of_100(count: int, discordance: float) -> None:
    least = visible_share(count, discordance)
    assert power(count, max(discordance, least), least) >= 0.8
    assert power(count, max(discordance, least - 2e-3), least - 2e-3) < 0.8


# Several episodes of a start


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
@settings(max_examples=30, deadline=None)
def test_flips_of_counts_are_those_of_all_signs(differences: list[int]) -> None:
    array = np.array(differences)
    signs = np.array(np.meshgrid(*[(-1, 1)] * len(array))).reshape(len(array), -1)
    exact = float((np.abs(array @ signs) >= abs(array.sum())).mean())
    assert exact_flips(array) == pytest.approx(exact, abs=1e-12)


def test_two_episodes_of_a_start_call_five_points_in_nine_of_ten_comparisons_and_equal_ones_in_none_of_twenty() -> None:
    def called(difference: float, episodes: int) -> float:
        counts = beta_pairs(difference, episodes, 300, 3).sum(2)
        return float(np.mean([exact_flips(second - first) <= 0.05 for first, second in counts]))

    assert called(0.05, 2) >= 0.9
    assert called(0.0, 2) <= 0.05 and called(0.0, 1) <= 0.05


def test_what_is_visible_with_several_episodes_shrinks_with_the_spread_of_the_starts() -> None:
    assert visible(0.16, 500) == pytest.approx(visible_share(500, 0.16), rel=0.06)
    assert visible(0.08, 500) == pytest.approx(visible(0.16, 1000), rel=0.01)
    found = successes([[True, True, False, True]] * 2, [[True, False, True, True], [False, False, True, True]])
    assert found.discordant == (2, 1) and found.estimate.value == pytest.approx(-1 / 8)


def test_five_starts_can_call_nothing() -> None:
    assert visible_share(5, 0.2) == 1.0
    assert not successes([True] * 5, [False] * 5).called


# Intervals and means


@pytest.mark.parametrize(("count", "discordance", "difference"), [(50, 0.1, 0.0), (100, 0.2, 0.1), (500, 0.15, 0.05)])
def test_the_interval_of_a_difference_holds_it_in_95_of_100(count: int, discordance: float, difference: float) -> None:
    pairs = discordant(count, discordance, difference, 2000, 2)
    found = [share_difference(apart(int(first), int(second), count)) for first, second in pairs]
    held = np.mean([each.low <= difference <= each.high for each in found])
    assert held >= 0.94
    assert all(each.low <= each.value <= each.high for each in found)


def test_no_discordant_start_still_leaves_room() -> None:
    none = share_difference(apart(0, 0, 50))
    assert none.value == 0 and none.low == -none.high and 0.04 < none.high < 0.09


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
@settings(max_examples=30, deadline=None)
def test_flips_of_signs_are_those_of_all_signs(differences: list[int]) -> None:
    array = np.array(differences, float)
    signs = np.array(np.meshgrid(*[(-1, 1)] * len(array))).reshape(len(array), -1)
    exact = float((np.abs(array @ signs) >= abs(array.sum())).mean())
    assert sign_flips(array) == pytest.approx(exact, abs=0.025)


def test_a_shift_of_all_returns_is_called_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    before = rng.normal(200, 80, 100)
    noise = rng.normal(0, 5, 100)
    better = values("total", before.tolist(), (before + noise + 4).tolist())
    assert better.called and better.estimate.low > 2 and better.visible < 2
    assert not values("total", before.tolist(), (before + noise - noise.mean()).tolist()).called


def test_several_comparisons_are_corrected_as_by_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.04]) == [0.04] and holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: successes([], []),
        lambda: successes([True], [True, False]),
        lambda: share_difference([0, 2]),
        lambda: share_difference([]),
        lambda: power(10, 0.1, 0.2),
    ],
)
def test_what_is_no_comparison_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"got"):
        wrong()


# What is said


def said(p: float, value: float, name: str = "new", **fields: float) -> Difference:
    """A difference as a comparison finds it."""
    estimate = Estimate(value, value - 0.1, value + 0.1)
    return Difference(fields.get("measure", "success"), 0.8, 0.8 + value, estimate, p, 0.05, (3, 4))


def test_the_verdict_names_the_better_one_and_its_figures_first() -> None:
    (up,) = verdicts({"new": [said(0.01, 0.15)]}, "old", control=False)
    (down,) = verdicts({"new": [said(0.01, -0.3)]}, "old", control=False)
    assert up.startswith("new is better than old: success rate 0.95 against 0.8, difference 0.15 [0.05, 0.25]")
    assert down.startswith("old is better than new: success rate 0.8 against 0.5, difference 0.3 [0.2, 0.4]")


def test_where_nothing_is_called_the_verdict_says_what_would_go_unseen() -> None:
    (text,) = verdicts({"new": [said(0.2, 0.03)]}, "old", control=False)
    assert "no difference called between new and old" in text and "below 0.05 goes unseen" in text


def test_of_two_rivals_one_at_four_hundredths_is_not_called_and_a_control_is_not_counted() -> None:
    heads = {"a": [said(0.04, 0.1)], "b": [said(0.6, 0.02)], "old again": [said(0.3, 0.01)]}
    first, _, control = verdicts(heads, "old", control=True)
    assert first.startswith("no difference called between a and old") and "p = 0.08" in first
    assert control.startswith("control: old under other noise") and control.endswith("so much is chance alone")
    (alone, _) = verdicts({"a": heads["a"], "old again": heads["old again"]}, "old", control=True)
    assert alone.startswith("a is better than old")
