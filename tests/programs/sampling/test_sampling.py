"""Samples of programs: what is called feasible is, whatever the batch, the order of variables, the neighbours."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from drawn import BOUNDED, brute, permuted, programs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from becalm.model import Model
from becalm.plugin.report import Progress
from becalm.sampler import last
from becalm.schedule import Cosine
from becalm_programs.denoiser.chunks import Chunked
from becalm_programs.denoiser.network import Bipartite
from becalm_programs.domain import IntegerPrograms
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.opening import bare
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.problem.verify import verify
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import draw, sample, with_defaults
from becalm_programs.sampling.outcome import Outcome, hamming
from becalm_programs.tier import TIERS

CPU = torch.device("cpu")
LEVEL = Cosine()(torch.tensor(0.5, dtype=torch.float64))
FAMILIES = ("set-cover", "auction", "independent-set", "facility")


def request(**fields: object) -> ProgramRequest:
    return ProgramRequest.model_validate({"count": 6, "steps": 4, "last": 60, **fields})


def untrained() -> Model[ProblemBatch]:
    """A model with a network as it is born."""
    torch.manual_seed(0)
    return replace(bare(CPU), network=Bipartite(width=8, rounds=1).eval().requires_grad_(False))


def ragged(
    model: Model[ProblemBatch], asked: ProgramRequest
) -> tuple[list[torch.Tensor], list[tuple[torch.Tensor, ProblemBatch]]]:
    """Samples of three programs in one batch, and each in a batch of its own with its condition."""
    forms = tuple(StandardForm.of(generate(family, "tiny", 0)) for family in ("set-cover", "facility", "auction"))
    cond = ProblemBatch(forms, (0, 0, 1, 1, 2, 0, 2))
    run, numbers = model.prepare(asked), torch.arange(cond.size)
    conds = [cond.take(number) for number in numbers.split(1)]
    together = last(run.steps(cond, numbers)).x
    alone = [last(run.steps(conds[number], numbers[number : number + 1])).x for number in range(cond.size)]
    return list(together.split([len(x) for x in alone])), list(zip(alone, conds, strict=True))


def impossible() -> Program:
    """x + y >= 3 over bits."""
    return from_arrays([1, 1], [[1, 1]], row_low=[3])


@settings(max_examples=25, deadline=None)
@given(program=programs(whole=True, kinds=BOUNDED), seed=st.integers(0, 99), tier=st.sampled_from(TIERS[:4]))
def test_brute_force_confirms_what_is_called_feasible_and_no_sample_beats_the_optimum(
    program: Program, seed: int, tier: str
) -> None:
    found = sample(bare(CPU), StandardForm.of(program), request(seed=seed, tier=tier))
    points, optimum = brute(program)
    known = {tuple(point) for point in points.tolist()}
    assert [tuple(x) in known for x in found.x.tolist()] == found.verdict.feasible.tolist()
    if found.best is None:
        assert found.found == 0
    else:
        assert optimum is not None
        assert found.best >= optimum - 1e-9 if not program.maximise else found.best <= optimum + 1e-9


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tier", ["guided", "repair"])
def test_permuting_variables_and_rows_permutes_feasibility(family: str, tier: str) -> None:
    program = generate(family, "tiny", 1)
    rng = np.random.default_rng(0)
    columns, rows = rng.permutation(len(program.cost)), rng.permutation(len(program.row_low))
    moved = permuted(program, columns, rows)
    found = sample(bare(CPU), StandardForm.of(program), request(tier=tier))
    verdict = verify(moved, found.x[:, columns])
    assert verdict.feasible.tolist() == found.verdict.feasible.tolist()
    np.testing.assert_allclose(verdict.objective, found.verdict.objective)
    there = sample(bare(CPU), StandardForm.of(moved), request(tier=tier))
    back = np.empty_like(there.x)
    back[:, columns] = there.x
    assert verify(program, back).feasible.tolist() == there.verdict.feasible.tolist()


def test_ragged_batches_give_each_program_what_it_gets_alone() -> None:
    model, asked = bare(CPU), request(count=7)
    domain = IntegerPrograms()
    together, alone = ragged(model, asked)
    for part, (own, cond) in zip(together, alone, strict=True):
        assert np.array_equal(domain.solutions(part, cond)[0], domain.solutions(own, cond)[0])


def test_so_does_a_network_but_for_rounding() -> None:
    model, asked = untrained(), request(count=7, guidance=0.0)
    together, alone = ragged(model, asked)
    for part, (own, _) in zip(together, alone, strict=True):
        torch.testing.assert_close(part, own, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_sample_i_of_a_seed_is_the_same_whatever_count_and_batch(family: str) -> None:
    model, form = bare(CPU), StandardForm.of(generate(family, "tiny", 0))
    whole = sample(model, form, request(count=7)).x
    for count, batch in ((7, 1), (7, 3), (4, 4), (2, 1)):
        assert np.array_equal(sample(model, form, request(count=count, batch=batch)).x, whole[:count])


@pytest.mark.parametrize("family", FAMILIES)
def test_so_it_is_with_a_network_but_for_rounding(family: str) -> None:
    model, form = untrained(), StandardForm.of(generate(family, "tiny", 0))
    whole = sample(model, form, request(count=11, guidance=0.0)).entries
    for count, batch in ((11, 1), (11, 3), (9, 9)):
        part = sample(model, form, request(count=count, batch=batch, guidance=0.0)).entries
        np.testing.assert_allclose(part, whole[:count], atol=1e-4)


def test_a_chunked_network_is_the_network() -> None:
    network, form = Bipartite(width=8, rounds=1).eval(), StandardForm.of(generate("auction", "tiny", 0))
    for count in (1, 8, 11):
        cond = ProblemBatch((form,), (0,) * count)
        x = torch.randn(len(cond.owner), generator=torch.Generator().manual_seed(count))
        with torch.no_grad():
            torch.testing.assert_close(Chunked(network)(x, LEVEL, cond), network(x, LEVEL, cond), rtol=1e-4, atol=1e-5)


def test_another_seed_is_another_sample() -> None:
    form = StandardForm.of(generate("set-cover", "small", 0))
    one, two = (sample(bare(CPU), form, request(seed=seed, objective_weight=1.0)).x for seed in (0, 1))
    assert not np.array_equal(one, two)


def test_at_tier_unguided_nothing_guides() -> None:
    form = StandardForm.of(generate("auction", "tiny", 0))
    asked = request(tier="unguided", guidance=2.0, objective_weight=1.0, descend=1.0)
    plain = with_defaults(bare(CPU), asked)
    assert (plain.guidance, plain.objective_weight, plain.descend) == (0, 0, 0)
    unguided = sample(bare(CPU), form, asked)
    assert unguided.tier == "unguided"
    zero = sample(bare(CPU), form, request(guidance=0.0, objective_weight=0.0))
    assert np.array_equal(unguided.marginals, zero.marginals)


def test_where_nothing_is_feasible_it_says_so() -> None:
    for tier in ("guided", "completion"):
        found = sample(bare(CPU), StandardForm.of(impossible()), request(tier=tier, count=2))
        assert (found.found, found.feasible, found.best, found.distinct) == (0, 0, None, 0)
        assert found.hamming is None and found.per_feasible is None and len(found.objectives) == 0
        assert (found.verdict.max_violation >= 1).all()


def test_progress_comes_first_and_the_outcome_last() -> None:
    form = StandardForm.of(generate("knapsack", "tiny", 0))
    reports = list(draw(bare(CPU), form, request(count=5, batch=2)))
    progress, outcome = reports[:-1], reports[-1]
    assert isinstance(outcome, Outcome) and outcome.calls == 12 and len(outcome.x) == 5
    done = [report.done / report.total for report in progress if isinstance(report, Progress)]
    assert len(done) == len(progress) and all(one <= two for one, two in pairwise(done)) and done[-1] == 1


def test_watching_the_path_changes_no_sample_and_ends_where_they_do() -> None:
    form = StandardForm.of(generate("independent-set", "tiny", 0))
    (*_, plain), (*_, watched) = (list(draw(bare(CPU), form, request(batch=4), watch=watch)) for watch in (False, True))
    assert isinstance(plain, Outcome) and isinstance(watched, Outcome)
    assert np.array_equal(plain.x, watched.x) and plain.marks == ()
    assert len(watched.marks) == 4
    assert all(one.t > two.t for one, two in pairwise(watched.marks)) and watched.marks[-1].t == 0
    end = watched.marks[-1]
    assert end.feasible == watched.feasible
    assert end.objective == pytest.approx(watched.verdict.objective.mean())
    assert end.violation == pytest.approx(watched.verdict.max_violation.mean())


@given(arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 5)), elements=st.integers(-1, 2).map(float)))
def test_the_hamming_distance_is_the_mean_over_pairs(x: Array) -> None:
    pairs = [float((one != two).sum()) for one, two in combinations(x, 2)]
    assert hamming(x) == pytest.approx(np.mean(pairs))


def test_copies_are_one_solution() -> None:
    x = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    program = from_arrays([1, 1], [[1, 1]], row_low=[1])
    found = Outcome(program, x, x, verify(program, x), "guided", 6.0, 1)
    assert (found.distinct, found.hamming, found.best) == (2, pytest.approx(4 / 3), 1.0)
    assert found.per_feasible == 2.0
