"""Paths: strictly falling to clean, even in the measure that their spacing names."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from known import ALL, name
from toy import Points, model

from becalm.objective import Denoising
from becalm.schedule import (
    CappedCosine,
    Cosine,
    Flow,
    Karras,
    Linear,
    NoiseSchedule,
    VarianceExploding,
    VariancePreserving,
    levels,
)
from becalm.train import Training, begin

SPACINGS = ["trailing", "leading", "linspace", "karras", "log_snr"]


@pytest.mark.parametrize("schedule", ALL, ids=name)
@pytest.mark.parametrize("spacing", SPACINGS)
@given(steps=st.integers(1, 60), start=st.sampled_from([1.0, 0.999, 0.5, 0.01, 1e-4]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_every_path_falls_strictly_to_clean(schedule: NoiseSchedule, spacing: Any, steps: int, start: float) -> None:
    path = levels(schedule, steps, spacing, start)
    assert len(path) == steps + 1
    assert (float(path[-1].t), float(path[-1].alpha), float(path[-1].sigma)) == (0, 1, 0)
    assert all(level.alpha.dim() == 0 and level.alpha.dtype == torch.float64 for level in path)
    angles = [float(level.angle) for level in path]
    assert all(high > low for high, low in pairwise(angles))
    assert float(path[0].t) <= start + 1e-9


@pytest.mark.parametrize("steps", [1500])
@pytest.mark.parametrize("spacing", ["trailing", "leading", "linspace"])
@pytest.mark.parametrize("schedule", [Linear(), Cosine()], ids=name)
def test_more_steps_than_the_table_still_fall(schedule: NoiseSchedule, spacing: Any, steps: int) -> None:
    angles = torch.stack([level.angle for level in levels(schedule, steps, spacing)])
    assert bool((angles.diff() < 0).all())
    assert float(angles[0]) <= math.pi / 2


@pytest.mark.parametrize("start", [1.0, 0.6])
def test_spacings_even_in_time_are_the_tables_of_the_field(start: float) -> None:
    def indices(spacing: Any, steps: int) -> list[float]:
        return [float(level.t) * 1000 for level in levels(Linear(), steps, spacing, start)[:-1]]

    assert indices("trailing", 5) == pytest.approx([start * value for value in (1000, 800, 600, 400, 200)])
    assert indices("leading", 5) == pytest.approx([start * value + 1 for value in (800, 600, 400, 200, 0)])
    assert indices("linspace", 4) == pytest.approx([1 + (start * 1000 - 1) * share / 3 for share in (3, 2, 1, 0)])
    assert indices("linspace", 1) == pytest.approx([start * 1000])


@pytest.mark.parametrize("schedule", [Karras(low=0.01, high=300), VarianceExploding(), Linear(), VariancePreserving()])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_paths_begin_at_the_start_where_the_ratio_is_finite(schedule: NoiseSchedule, spacing: Any) -> None:
    first = levels(schedule, 7, spacing, 0.8)[0]
    wanted = 0.8 * 6 / 7 if spacing == "leading" else 0.8
    assert float(first.t) == pytest.approx(wanted, abs=2e-3 if spacing == "leading" else 1e-9)


def test_karras_and_log_snr_are_even_in_their_measures() -> None:
    path = levels(Cosine(), 9, "karras")[:-1]
    ratios = torch.stack([level.ratio for level in path])
    wanted = torch.linspace(80 ** (1 / 7), 0.002 ** (1 / 7), 9, dtype=torch.float64) ** 7
    torch.testing.assert_close(ratios, wanted, rtol=1e-9, atol=0)
    snr = torch.stack([level.log_snr for level in levels(Cosine(), 9, "log_snr")[:-1]])
    wanted = torch.linspace(-2 * math.log(80), -2 * math.log(0.002), 9, dtype=torch.float64)
    torch.testing.assert_close(snr, wanted, rtol=1e-9, atol=0)


def test_a_karras_schedule_even_in_time_is_the_karras_spacing() -> None:
    schedule = Karras()
    even, named = (torch.stack([v.sigma for v in levels(schedule, 8, s)[:-1]]) for s in ("linspace", "karras"))
    torch.testing.assert_close(even, named, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0,), "steps must be at least 1, got 0"),
        ((-3,), "steps must be at least 1, got -3"),
        ((10, "trailing", 0.0), "start must be above 0 and at most 1, got 0.0"),
        ((10, "trailing", 1.5), "start must be above 0 and at most 1, got 1.5"),
        ((10, "trailing", math.nan), "start must be above 0 and at most 1, got nan"),
        (
            (10, "cubic"),
            "spacing must be one of trailing, leading, linspace, karras, log_snr, got 'cubic'",
        ),
    ],
)
def test_wrong_paths_are_refused_in_a_sentence(arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=r"^" + sentence.replace(".", r"\.") + "$"):
        levels(Linear(), *arguments)


@pytest.mark.parametrize("steps", [100, 1000])
@pytest.mark.parametrize("prediction", ["eps", "score"])
def test_who_predicts_noise_where_no_data_are_left_begins_below(prediction: Any, steps: int) -> None:
    training, device = Training(steps=1, precision="fp32"), torch.device("cpu")
    state = begin(Points(width=8), CappedCosine(steps=steps), Denoising(prediction=prediction), training, device)
    assert state.sampling == {"spacing": "leading"}
    # An error of the noise is one of the data so many times as large.
    amplified = [float(levels(state.schedule, 8, spacing)[0].ratio) for spacing in ("leading", "trailing")]
    assert amplified[0] < 10 and amplified[1] > 1000
    for other, schedule in ((prediction, Linear()), ("v", CappedCosine())):
        begun = begin(Points(width=8), schedule, Denoising(prediction=other), training, device)
        assert begun.sampling == {}


@pytest.mark.parametrize("sampler", ["heun", "langevin", "reverse_sde"])
@pytest.mark.parametrize("schedule", [Cosine(), Flow()], ids=name)
def test_what_cannot_begin_at_pure_noise_is_spaced_so_that_it_need_not(schedule: NoiseSchedule, sampler: str) -> None:
    of = model(schedule=schedule)
    assert float(of.prepare(of.request(sampler=sampler, steps=4)).path[0].alpha) > 0
    assert bool(torch.isfinite(of.sample(count=2, sampler=sampler, steps=4).data).all())
