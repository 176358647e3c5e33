"""Without a network, the estimate is the exact posterior mean of bits with the chances of the relaxation, given what
rows say of sets of entries and a noise that says so much at most.
"""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm.schedule import Cosine, Flow, NoiseSchedule
from becalm_programs.denoiser.relaxation import Relaxation
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import LP_VALUE, StandardForm

CHOICE = from_arrays([1, 2, 3, 4, 5], [[1, 1, 1, 0, 0], [0, 0, 0, 1, 1]], [1, 0], [1, 2])
"""Of the first three bits exactly one is 1; the others are free."""


@settings(deadline=None, max_examples=30)
@given(time=st.floats(0.2, 1.0), seed=st.integers(0, 99))
@pytest.mark.parametrize("schedule", [Cosine(), Flow()], ids=["cosine", "flow"])
def test_the_estimate_is_the_posterior_mean_over_all_settings_of_the_bits(
    schedule: NoiseSchedule, time: float, seed: int
) -> None:
    level = schedule(torch.tensor(time, dtype=torch.float64))
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal(5))
    settings_ = torch.tensor(list(product((-1.0, 1.0), repeat=5)), dtype=torch.float64)
    settings_ = settings_[(settings_[:, :3] > 0).sum(1) == 1]
    form = StandardForm.of(CHOICE)
    chance = form.features[:, LP_VALUE].double().clamp(0.05, 0.95)
    prior = torch.where(settings_ > 0, chance, 1 - chance).log().sum(1)
    most = level.sigma**2 / level.alpha.clamp(min=1e-9)
    heard = torch.minimum(torch.maximum(x, -most), most)
    log_weight = prior - (heard - level.alpha * settings_).square().sum(1) / (2 * level.sigma**2)
    expected = log_weight.softmax(0) @ settings_
    scaled = (x / level.total_std).float()
    found = Relaxation()(scaled, level, ProblemBatch((form,), (0,)))
    torch.testing.assert_close(found, expected.float(), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("time", [0.0, 1e-9, 1e-4, 1.0])
def test_the_estimate_is_finite_and_within_bounds_at_both_ends(time: float) -> None:
    program = from_arrays([1, 1, 1], [[1, 1, 1]], [1], [2], high=[1, 5, 2.5], integer=[True, True, False])
    for each in (program, generate("facility", "tiny", 0)):
        cond = ProblemBatch((StandardForm.of(each),), (0, 0))
        x = 3 * torch.randn(len(cond.owner), generator=torch.Generator().manual_seed(0))
        found = Relaxation()(x, Cosine()(torch.tensor(time, dtype=torch.float64)), cond)
        assert bool(torch.isfinite(found).all()) and bool((found.abs() <= 1).all())


def test_near_clean_the_estimate_is_on_the_side_of_x_unless_the_relaxation_is_sure() -> None:
    form = StandardForm.of(generate("set-cover", "small", 0))
    chance = form.features[:, LP_VALUE]
    sign = torch.where(torch.rand(len(chance), generator=torch.Generator().manual_seed(0)) > 0.5, 1.0, -1.0)
    found = Relaxation()(sign, Cosine()(torch.tensor(0.01, dtype=torch.float64)), ProblemBatch((form,), (0,)))
    unsure, never, always = (chance > 0.2) & (chance < 0.8), chance < 0.05, chance > 0.95
    assert bool(unsure.any()) and bool(never.any()) and bool(always.any())
    assert bool((found.sign() == sign)[unsure].all())
    assert bool((found < 0)[never].all()) and bool((found > 0)[always].all())
