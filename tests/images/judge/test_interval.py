"""Intervals against an oracle and a closed form."""

import pytest
import torch
from scipy.stats import binomtest, t

from becalm_images.judge.interval import Estimate, jackknife, mean, share


@pytest.mark.parametrize(("right", "count"), [(0, 7), (3, 7), (16, 16), (985, 1000)])
def test_the_interval_of_a_share_is_wilsons(right: int, count: int) -> None:
    oracle = binomtest(right, count).proportion_ci(method="wilson")
    assert share(torch.arange(count) < right) == pytest.approx((right / count, oracle.low, oracle.high), abs=1e-6)


def test_the_jackknife_of_a_mean_is_students_interval() -> None:
    values = 5 + torch.randn(20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    oracle = t.interval(0.95, 19, float(values.mean()), float(values.std()) / 20**0.5)
    assert jackknife(lambda index: float(values[index].mean()), 20) == pytest.approx((float(values.mean()), *oracle))


def test_the_jackknife_covers_the_truth_about_as_often_as_it_says() -> None:
    draws = torch.randn(200, 100, generator=torch.Generator().manual_seed(1))
    found = [jackknife(lambda index, row=row: float(row[index].var()), 100) for row in draws]
    covered = sum(low <= 1.0 <= high for _, low, high in found) / len(found)
    assert 0.89 <= covered <= 0.99


def test_several_sets_are_averaged_end_by_end() -> None:
    assert mean([Estimate(1.0, 0.0, 4.0), Estimate(3.0, 1.0, 6.0)]) == Estimate(2.0, 0.5, 5.0)
