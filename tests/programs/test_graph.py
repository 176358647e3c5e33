"""From a program to what a network sees, and back: encodings, blocks, guidance, the domain's contract."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn import permuted, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm.cond import join, take
from becalm.errors import UserError
from becalm.guidance import Guidance
from becalm.level import NoiseLevel
from becalm.schedule import Cosine
from becalm.testing import check_domain
from becalm_programs.denoiser.network import Bipartite, posterior_mean
from becalm_programs.domain import IntegerPrograms
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import write_mps
from becalm_programs.guidance.constraint import constraint_guidance
from becalm_programs.guidance.energies import objective, violation
from becalm_programs.options import LabelOptions
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.encoding import BinaryEncoding
from becalm_programs.problem.program import Program, activity
from becalm_programs.problem.rounding import round_entries
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.training.label import run as label

BOUNDED = ("binary", "integer", "continuous", "fixed")
LEVEL = Cosine()(torch.tensor(0.3, dtype=torch.float64))


def form(family: str, seed: int = 0) -> StandardForm:
    return StandardForm.of(generate(family, "tiny", seed))


def mixed() -> ProblemBatch:
    """Samples of three programs of different sizes: two, two, one, and one of the first again."""
    made = (form("set-cover"), form("facility"), form("knapsack"))
    return ProblemBatch(made, (0, 0, 1, 1, 2, 0))


def noise(cond: ProblemBatch, seed: int = 0) -> torch.Tensor:
    return torch.randn(len(cond.owner), generator=torch.Generator().manual_seed(seed))


def guided(*, objective_weight: float, search_steps: int, round_below: float) -> Guidance[ProblemBatch]:
    return constraint_guidance(
        1.0,
        objective_weight=objective_weight,
        inner_steps=5,
        round_below=round_below,
        search_steps=search_steps,
        patience=50,
    )


@given(program=programs(whole=True, kinds=BOUNDED), seed=st.integers(0, 99))
def test_every_solution_is_its_own_bits(program: Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = program.low + rng.uniform(0, 1, (6, len(program.cost))) * (program.high - program.low)
    x = np.where(program.integer, np.rint(x), x)
    bits = BinaryEncoding.of(program)
    entries = bits.encode(program, x)
    assert bits.decode(entries) == pytest.approx(x)
    assert ((entries == 0) | (entries == 1))[:, bits.whole].all()


@given(program=programs(whole=True, kinds=BOUNDED), seed=st.integers(0, 99))
def test_any_bits_are_within_the_bounds(program: Program, seed: int) -> None:
    bits = BinaryEncoding.of(program)
    x = bits.decode(np.random.default_rng(seed).uniform(0, 1, (8, bits.size)))
    assert (x >= program.low - 1e-9).all() and (x <= program.high + 1e-9).all()
    assert (x == np.rint(x))[:, program.integer].all()


def test_what_has_no_bounds_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="'x1' has no finite bounds"):
        BinaryEncoding.of(from_arrays([1, 1], [[1, 1]], row_high=[1], low=[0, 0], high=[1, np.inf]))


@settings(deadline=None)
@given(program=programs(whole=True, kinds=BOUNDED), seed=st.integers(0, 99))
def test_the_violation_of_entries_is_the_violation_of_the_solution(program: Program, seed: int) -> None:
    made = StandardForm.of(program)
    cond = ProblemBatch((made,), (0,) * 4)
    entries = np.random.default_rng(seed).integers(0, 2, (4, made.encoding.size)).astype(float)
    x0 = torch.from_numpy(2 * entries - 1).float().flatten()
    over = violation(x0, LEVEL, cond) > 1e-5
    reached = activity(program, made.encoding.decode(entries))
    varying = np.asarray(abs(program.rows @ made.encoding.weights).sum(axis=1)).ravel() > 0
    missed = ((reached > program.row_high + 1e-4) | (reached < program.row_low - 1e-4))[:, varying].any(1)
    assert over.numpy().tolist() == missed.tolist()


def test_a_block_gathers_and_scatters_without_loss() -> None:
    cond = mixed()
    x = noise(cond)
    parts, start = [], 0
    for block in cond.blocks:
        part = x[start : start + block.rows]
        start += block.rows
        assert torch.equal(block.scatter(block.gather(part)), part)
        parts.append(block.count)
    assert start == len(x)
    assert parts == [2, 1]


def test_a_block_multiplies_as_its_programs_do_one_by_one_and_up_is_the_adjoint_of_down() -> None:
    cond = mixed()
    block = cond.blocks[0]
    entries = torch.rand(sum(block.sizes), block.count, 3, requires_grad=True)
    product = block.down(entries)
    alone = [
        made.matrix.to_dense() @ part.flatten(1)
        for made, part in zip(cond.forms[:2], entries.split(block.sizes), strict=True)
    ]
    torch.testing.assert_close(product.flatten(1), torch.cat(alone))
    weight = torch.rand_like(product)
    (slope,) = torch.autograd.grad((product * weight).sum(), entries)
    torch.testing.assert_close(slope, block.up(weight))


def test_conditions_are_taken_and_joined_with_their_rows() -> None:
    cond = mixed()
    index = torch.tensor([5, 2, 2, 4])
    chosen = take(cond, index)
    assert chosen.which == (0, 1, 1, 2)
    both = join([cond, chosen])
    assert both.which == (*cond.which, *chosen.which)
    assert len(both.forms) == 3
    sizes = [len(cond.forms[number].cost) for number in both.which]
    assert torch.bincount(both.owner).tolist() == sizes


def test_permuting_entries_and_rows_permutes_the_output() -> None:
    program = generate("set-cover", "tiny", 1)
    rng = np.random.default_rng(0)
    columns, rows = rng.permutation(len(program.cost)), rng.permutation(len(program.row_low))
    moved = permuted(program, columns, rows)
    network = Bipartite(width=16, rounds=2).eval()
    x = torch.randn(len(columns))
    with torch.no_grad():
        one = network(x, LEVEL, ProblemBatch((StandardForm.of(program),), (0,)))
        two = network(x[columns], LEVEL, ProblemBatch((StandardForm.of(moved),), (0,)))
    torch.testing.assert_close(two, one[columns], rtol=1e-4, atol=1e-5)


def test_a_sample_does_not_know_its_neighbours() -> None:
    cond, network = mixed(), Bipartite(width=16, rounds=2).eval()
    x = noise(cond)
    with torch.no_grad():
        whole = network(x, LEVEL, cond)
        for sample in range(cond.size):
            rows = cond.owner == sample
            alone = network(x[rows], LEVEL, take(cond, torch.tensor([sample])))
            torch.testing.assert_close(whole[rows], alone, rtol=1e-4, atol=1e-5)


def test_of_a_set_of_which_one_is_chosen_the_estimates_are_a_distribution() -> None:
    made = form("facility")
    cond = ProblemBatch((made,), (0, 0, 0))
    block = cond.blocks[0]
    p = (1 + posterior_mean(block, 5 * torch.randn(len(made.cost), 3))) / 2
    member = made.group >= 0
    assert bool(member.any())
    sums = torch.zeros(int(made.group.max()) + 1, 3).index_add(0, made.group[member], p[member])
    torch.testing.assert_close(sums[made.group[member].unique()], torch.ones(len(made.group[member].unique()), 3))
    chosen = round_entries(block, p)
    counts = torch.zeros(int(made.group.max()) + 1, 3).index_add(0, made.group[member], chosen[member])
    assert bool((counts[made.group[member].unique()] == 1).all())


@pytest.mark.parametrize("family", ["set-cover", "independent-set", "auction", "facility"])
def test_the_constraint_step_alone_finds_feasible_solutions_on_the_original_rows(family: str) -> None:
    cond = ProblemBatch((form(family),), (0,) * 16)
    domain = IntegerPrograms()

    def ignorant(x: torch.Tensor, level: NoiseLevel, cond: ProblemBatch) -> torch.Tensor:
        return torch.tanh(x)

    guide = guided(objective_weight=0.0, search_steps=300, round_below=1.0)
    x0 = guide(ignorant)(noise(cond), LEVEL, cond)
    before, after = domain.metrics(torch.tanh(noise(cond)), cond), domain.metrics(x0, cond)
    assert after["feasible"] >= 0.9 > before["feasible"]


def test_the_constraint_step_leaves_what_is_feasible_as_it_is() -> None:
    cond = ProblemBatch((form("set-cover"),), (0,) * 3)
    everything = torch.full((len(cond.owner),), 0.98)
    on_the_way = guided(objective_weight=0.0, search_steps=300, round_below=0.0)
    torch.testing.assert_close(on_the_way(lambda x, level, cond: everything)(everything, LEVEL, cond), everything)
    near_clean = guided(objective_weight=0.0, search_steps=300, round_below=1.0)
    assert bool((near_clean(lambda x, level, cond: everything)(everything, LEVEL, cond) > 0).all())


@pytest.mark.parametrize("family", ["set-cover", "independent-set", "auction", "facility", "assignment", "knapsack"])
def test_the_objective_leaves_no_flip_that_betters_the_cost_and_breaks_no_row(family: str) -> None:
    """What guidance ends on is a local optimum of set covers and packings; nowhere is it worse than without."""
    made = form(family, 3)
    cond = ProblemBatch((made,), (0,) * 8)

    def drawn(pull: float) -> Any:
        guide = guided(objective_weight=pull, search_steps=2000, round_below=1.0)
        return IntegerPrograms().verdicts(guide(lambda x, level, cond: torch.tanh(x))(noise(cond), LEVEL, cond), cond)

    without, pulled = drawn(0.0)[0], drawn(1e-9)[0]
    sign = -1 if made.program.maximise else 1
    assert (pulled.feasible >= without.feasible).all()
    both = pulled.feasible & without.feasible
    assert (sign * pulled.objective[both] <= sign * without.objective[both] + 1e-9).all()
    if family in ("set-cover", "independent-set"):
        domain = IntegerPrograms()
        guide = guided(objective_weight=1e-9, search_steps=2000, round_below=1.0)
        x = domain.solutions(guide(lambda x, level, cond: torch.tanh(x))(noise(cond), LEVEL, cond), cond)[0]
        assert (oneopt(made.program, x) == x).all()


def test_energies_are_one_number_per_sample_and_cost_is_the_scaled_objective() -> None:
    cond = mixed()
    x0 = torch.tanh(noise(cond))
    assert violation(x0, LEVEL, cond).shape == objective(x0, LEVEL, cond).shape == (6,)
    rows = cond.owner == 4
    made = cond.forms[2]
    torch.testing.assert_close(objective(x0, LEVEL, cond)[4], made.cost @ ((1 + x0[rows]) / 2))
    over = cond.blocks[1].violation(cond.blocks[1].down(torch.ones(sum(cond.blocks[1].sizes), 1)))
    assert over.shape[1] == 1


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three labelled set covers and two facility locations."""
    folder = tmp_path_factory.mktemp("labelled")
    for family, seeds in (("set-cover", 3), ("facility", 2)):
        for seed in range(seeds):
            write_mps(folder / f"{family}-{seed}.mps.gz", generate(family, "tiny", seed))
    list(label(LabelOptions(folder=str(folder), steps=2, solutions=3, workers=1, gap=0.5)))
    return folder


def test_programs_keep_the_contract(labelled: Path) -> None:
    domain: Any = IntegerPrograms(
        data=str(labelled), family="set-cover", size="tiny", width=8, rounds=2, batch=2, draws=2
    )
    check_domain(domain, guided=False)


def test_a_batch_holds_verified_solutions_of_programs_of_all_sizes(labelled: Path) -> None:
    domain = IntegerPrograms(data=str(labelled), width=8, rounds=2, batch=5, draws=3)
    batch = next(domain.batches("train", 0))
    assert batch.size == 15
    assert len({len(made.cost) for made in batch.cond.forms}) > 1
    assert all(bool(verdict.feasible.all()) for verdict in domain.verdicts(batch.x0, batch.cond))


def test_training_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no program with labels"):
        next(IntegerPrograms(data=str(tmp_path)).batches("train", 0))
