"""Each tier does one thing more than the one before it, and makes nothing worse."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from drawn import BOUNDED, brute, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm_programs.families import FAMILIES, generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.rounding import round_entries
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.problem.verify import verify
from becalm_programs.sampling.projection import project_entries
from becalm_programs.sampling.tiers import carry_out, finish
from becalm_programs.tier import TIERS, Tier, includes

SOLVERLESS = TIERS[:-1]


def likelihoods(form: StandardForm, count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(0, 1, (count, form.encoding.size))


def cost(program: Program, x: Array) -> Array:
    return objective(program, x) * (-1.0 if program.maximise else 1.0)


def mixed() -> Program:
    """x + y + z = 1.7 with x and y binary, z continuous: only a linear program hits it."""
    return from_arrays(
        [2.0, 1.0, 3.0], [[1.0, 1.0, 1.0]], [1.7], [1.7], low=0.0, high=[1, 1, 5], integer=[True, True, False]
    )


def test_tiers_are_cumulative() -> None:
    assert TIERS == ("unguided", "guided", "projection", "1-opt", "repair", "completion")
    assert [[includes(tier, step) for step in TIERS] for tier in TIERS] == np.tri(len(TIERS), dtype=bool).tolist()


@settings(max_examples=15, deadline=None)
@given(program=programs(whole=True, kinds=(*BOUNDED, "continuous")), seed=st.integers(0, 99))
def test_no_tier_loses_a_feasible_sample_or_makes_its_objective_worse(program: Program, seed: int) -> None:
    form = StandardForm.of(program)
    entries = likelihoods(form, 3, seed)
    found = [finish(form, entries, tier, seconds=2.0, flips=50) for tier in TIERS]
    for before, after in pairwise(found):
        kept = verify(program, before).feasible
        assert verify(program, after).feasible[kept].all()
        slack = 1e-9 * (1 + np.abs(cost(program, before)))
        assert (cost(program, after) <= cost(program, before) + slack)[kept].all()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_holds_for_every_family(family: str) -> None:
    program = generate(family, "small", 0)
    form = StandardForm.of(program)
    entries = likelihoods(form, 4)
    shares, costs = [], []
    for tier in SOLVERLESS:
        x = finish(form, entries, tier)
        verdict = verify(program, x)
        shares.append(verdict.feasible)
        costs.append(cost(program, x))
    for (before, after), (dear, cheap) in zip(pairwise(shares), pairwise(costs), strict=True):
        assert (after >= before).all() and (cheap <= dear + 1e-9)[before].all()


@settings(max_examples=15, deadline=None)
@given(program=programs(whole=True, kinds=BOUNDED), seed=st.integers(0, 99))
def test_completion_finds_a_solution_of_every_tiny_program_that_has_one(program: Program, seed: int) -> None:
    form = StandardForm.of(program)
    points, _ = brute(program)
    x = finish(form, likelihoods(form, 2, seed), "completion", flips=50)
    assert verify(program, x).feasible.all() == (len(points) > 0)
    assert verify(program, x).feasible.any() == (len(points) > 0)


def test_continuous_variables_of_infeasible_samples_are_found_by_a_linear_program_from_guided_on() -> None:
    program, entries = mixed(), np.array([[0.9, 0.2, 0.3], [0.1, 0.8, 0.99]])
    form = StandardForm.of(program)
    assert not verify(program, finish(form, entries, "unguided")).feasible.any()
    for tier in TIERS[1:]:
        x = finish(form, entries, tier)
        assert verify(program, x).feasible.all()
        assert (x[:, :2].sum(axis=1) == 1).all()
        np.testing.assert_allclose(x[:, 2], 0.7, atol=1e-6)


@pytest.mark.parametrize("tier", SOLVERLESS)
def test_a_sample_is_finished_for_itself_alone(tier: str) -> None:
    form = StandardForm.of(generate("set-cover", "tiny", 2))
    entries = likelihoods(form, 6)
    together = finish(form, entries, tier)  # type: ignore[arg-type]
    alone = [finish(form, entries[[sample]], tier)[0] for sample in range(6)]  # type: ignore[arg-type]
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_threshold_of_the_entries_of_a_solution_is_the_solution(family: str) -> None:
    program = generate(family, "tiny", 3)
    form = StandardForm.of(program)
    x = finish(form, likelihoods(form, 4), "completion")
    again = finish(form, form.encoding.encode(program, x), "guided")
    assert verify(program, x).feasible.all() and np.array_equal(again, x)


@pytest.mark.parametrize("family", ["auction", "assignment"])
def test_what_is_feasible_when_it_is_rounded_stays_as_it_is_and_the_rest_is_made_feasible(family: str) -> None:
    program = generate(family, "tiny", 0)
    form = StandardForm.of(program)
    entries = likelihoods(form, 16)
    rounded, guided = (finish(form, entries, tier) for tier in TIERS[:2])
    before, after = verify(program, rounded).feasible, verify(program, guided).feasible
    assert not before.all() and after.all()
    assert np.array_equal(rounded[before], guided[before])


def test_projection_turns_some_infeasible_samples_feasible() -> None:
    program = generate("auction", "tiny", 0)
    form = StandardForm.of(program)
    entries = torch.from_numpy(likelihoods(form, 16).T).float()
    block = BlockDiagonal.of([form], 16)
    before, after = (
        verify(program, form.encoding.decode(round_entries(block, p).T.double().numpy())).feasible
        for p in (entries, project_entries(block, entries))
    )
    assert after[before].all() and before.sum() < after.sum()


@pytest.mark.parametrize("tier", TIERS)
def test_samples_carry_the_verdict_of_what_they_have_become(tier: Tier) -> None:
    for program in (mixed(), generate("auction", "tiny", 0), generate("facility", "tiny", 0)):
        form = StandardForm.of(program)
        samples = carry_out(form, likelihoods(form, 5), tier)
        judged = verify(program, samples.x)
        assert np.array_equal(samples.verdict.objective, judged.objective)
        assert np.array_equal(samples.verdict.max_violation, judged.max_violation)
        assert np.array_equal(samples.wrong, np.flatnonzero(~judged.feasible))


def test_entries_of_another_program_are_refused() -> None:
    form = StandardForm.of(generate("knapsack", "tiny", 0))
    with pytest.raises(ValueError, match=r"marginals must have shape \(K, 10\), got \(2, 3\)"):
        finish(form, np.zeros((2, 3)), "guided")
