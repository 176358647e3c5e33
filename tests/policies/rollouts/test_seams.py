"""Jerk at seams is told from jerk within chunks, in no unit."""

import numpy as np
import pytest

from becalm_policies.rollouts.seams import jerk


def test_a_parabola_has_no_jerk_and_a_jump_at_a_seam_all_of_it() -> None:
    step = np.arange(40.0)
    actions = np.stack([step**2, -step], axis=1)
    found = jerk([actions], execute=8)
    assert (
        found is not None and found.seams == pytest.approx(0, abs=1e-9) and found.within == pytest.approx(0, abs=1e-9)
    )
    for delay in (0, 2):
        jumped = actions + 50.0 * ((step - delay > 0) * ((step - delay) // 8))[:, None]
        found = jerk([jumped], execute=8, delay=delay)
        assert found is not None and found.within == pytest.approx(0, abs=1e-9) and found.seams > 0.1
        assert found.ratio > 1e6


def test_the_ratio_has_no_unit_and_is_1_where_seams_are_like_the_rest() -> None:
    rng = np.random.default_rng(0)
    episodes = [rng.normal(size=(length, 2)) for length in (2000, 3000)]
    found, scaled = jerk(episodes, execute=8), jerk([each * [1e-3, 1e5] + 7 for each in episodes], execute=8)
    assert found is not None and scaled is not None
    assert found.ratio == pytest.approx(1, abs=0.03) and scaled.ratio == pytest.approx(found.ratio)


def test_where_there_is_nothing_to_compare_nothing_is_said() -> None:
    assert jerk([], execute=8) is None
    assert jerk([np.zeros((5, 2))], execute=8) is None
    assert jerk([np.zeros((50, 2))], execute=2) is None
    still = jerk([np.zeros((50, 2))], execute=8)
    assert still is not None and still.ratio == 1
