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
    found = jackknife(lambda index: float(values[index].mean()), torch.zeros(20))
    assert found == pytest.approx((float(values.mean()), *oracle))


def test_the_jackknife_covers_the_truth_about_as_often_as_it_says() -> None:
    draws = torch.randn(200, 100, generator=torch.Generator().manual_seed(1))
    found = [jackknife(lambda index, row=row: float(row[index].var()), torch.zeros(100)) for row in draws]
    covered = sum(low <= 1.0 <= high for _, low, high in found) / len(found)
    assert 0.89 <= covered <= 0.99


def test_the_interval_of_a_stratified_mean_knows_that_classes_are_no_chance() -> None:
    # Ten classes that lie far apart, in turns: the mean varies within the classes only, by sqrt(1 / 400).
    generator = torch.Generator().manual_seed(2)
    labels = torch.arange(400) % 10
    values = 100.0 * labels + torch.randn(400, generator=generator)
    _, low, high = jackknife(lambda index: float(values[index].mean()), labels)
    assert (high - low) / 2 == pytest.approx(2.09 / 20, rel=0.4)


def test_several_sets_are_averaged_end_by_end() -> None:
    assert mean([Estimate(1.0, 0.0, 4.0), Estimate(3.0, 1.0, 6.0)]) == Estimate(2.0, 0.5, 5.0)
