"""The constraint step where entries are rounded: what more patience buys, and what it must leave alone."""

import numpy as np
import pytest
import torch
from drawn import brute, mixed
from oracles import rounding as oracle
from torch import Tensor

from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.problem.verify import Verdict, verify
from becalm_programs.search.kernels.sort import least
from becalm_programs.search.moves.oneopt import oneopt
from becalm_programs.search.rounding import BULK, rounding_search
from becalm_programs.search.structure.columns import Columns

FAMILIES = ("set-cover", "independent-set", "auction", "facility", "assignment", "knapsack")
SAMPLES = 12


def doubts(block: BlockDiagonal, seed: int = 0) -> Tensor:
    return torch.randn(len(block.cost), block.count, generator=torch.Generator().manual_seed(seed))


def judged(made: StandardForm, entries: Tensor) -> Verdict:
    return verify(made.program, made.encoding.decode(entries.T.double().numpy()))


def ended(made: StandardForm, patience: int) -> Verdict:
    block = BlockDiagonal.of([made], SAMPLES)
    return judged(made, rounding_search(block, doubts(block), 5000, descend=True, patience=patience))


@pytest.mark.parametrize("family", FAMILIES)
def test_more_patience_never_makes_a_sample_worse(family: str) -> None:
    made = StandardForm.of(generate(family, "tiny", 1))
    sign = -1 if made.program.maximise else 1
    verdicts = [ended(made, patience) for patience in (0, 20, 200)]
    for less, more in zip(verdicts, verdicts[1:], strict=False):
        assert (more.feasible >= less.feasible).all()
        both = more.feasible & less.feasible
        assert (sign * more.objective[both] <= sign * less.objective[both] + 1e-9).all()


@pytest.mark.parametrize("family", ["set-cover", "independent-set", "auction", "facility"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_patience_the_best_of_a_few_samples_is_the_optimum_that_brute_force_finds(family: str, seed: int) -> None:
    made = StandardForm.of(generate(family, "tiny", seed))
    found = ended(made, 400)
    best = found.objective[found.feasible]
    assert len(best)
    assert (best.max() if made.program.maximise else best.min()) == pytest.approx(brute(made.program)[1])


def test_without_patience_it_ends_where_no_single_flip_helps() -> None:
    made = StandardForm.of(generate("set-cover", "small", 0))
    block = BlockDiagonal.of([made], SAMPLES)
    x = made.encoding.decode(rounding_search(block, doubts(block), 5000, descend=True, patience=0).T.double().numpy())
    assert verify(made.program, x).feasible.all()
    assert (oneopt(Columns.of(made.program), x) == x).all()


def test_samples_do_not_see_each_other_nor_other_programs() -> None:
    forms = [StandardForm.of(generate(family, "tiny", 2)) for family in ("facility", "set-cover", "auction")]
    together = BlockDiagonal.of(forms, 5)
    logit = doubts(together)
    all_of_them = rounding_search(together, logit, 800, descend=True, patience=30)
    parts = zip(forms, logit.split(together.sizes), all_of_them.split(together.sizes), strict=True)
    for made, own, expected in parts:
        for column in range(5):
            alone = rounding_search(
                BlockDiagonal.of([made], 1), own[:, column : column + 1].clone(), 800, descend=True, patience=30
            )
            np.testing.assert_array_equal(alone[:, 0].numpy(), expected[:, column].numpy())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("descend", "bulk"), [(True, BULK), (True, 2), (False, 1)])
def test_it_walks_as_the_readable_search_does(family: str, descend: bool, bulk: int) -> None:
    forms = [StandardForm.of(generate(family, "tiny", seed)) for seed in (3, 4)]
    block = BlockDiagonal.of(forms, 6)
    logit = doubts(block).double()
    found = rounding_search(block, logit, 300, descend=descend, patience=20, bulk=bulk)
    expected = oracle.rounding_search(oracle.in_double(block), logit, 300, descend=descend, patience=20, bulk=bulk)
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


def test_it_walks_so_where_some_entries_need_not_be_whole_and_rows_have_both_signs() -> None:
    for seed in range(8):
        made = StandardForm.of(mixed(seed))
        block = BlockDiagonal.of([made], 4)
        logit = doubts(block, seed).double()
        found = rounding_search(block, logit, 100, descend=True, patience=20)
        expected = oracle.rounding_search(oracle.in_double(block), logit, 100, descend=True, patience=20)
        np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-9)
        assert bool(torch.isfinite(found).all())


@pytest.mark.parametrize("rank", [0, 1, 6, 11])
def test_the_number_of_a_rank_is_found_among_ties(rank: int) -> None:
    key = np.array([3.0, 1, 2, 2, 5, 1, 4, 2, 9, 0, 3, 3, -7])
    assert least.py_func(key.copy(), 12, rank) == sorted(key[:12])[rank]


def star(*gains: float) -> StandardForm:
    """A centre that excludes each of three leaves, with their gains."""
    return StandardForm.of(
        from_arrays(-np.array(gains), np.array([[1.0, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]), -np.inf, 1.0)
    )


def test_what_a_flip_loses_is_the_gain_of_what_stands_in_its_way_less_its_own() -> None:
    block = BlockDiagonal.of([star(8, 4, 2, 1)], 2)
    logit = torch.tensor([[-1.0, 1, 1, -1], [1, -1, -1, -1]]).T
    lost = oracle.move_scores(block, logit, torch.zeros(4, 2))
    # Costs are scaled to 8. Leaves have a row each; the centre has three, so its gain counts as 8 / sqrt 3 in each.
    assert lost[0, 0] == pytest.approx((4 + 2 - 8) / 8)
    assert lost[3, 0] == pytest.approx(-1 / 8)
    assert lost[1:, 1].tolist() == pytest.approx([3**-0.5 - 4 / 8, 3**-0.5 - 2 / 8, 3**-0.5 - 1 / 8])


def test_what_it_loses_counts_only_where_some_gain_more_than_others_and_nothing_costs() -> None:
    covers, same, differ = StandardForm.of(generate("set-cover", "tiny", 0)), star(1, 1, 1, 1), star(8, 4, 2, 1)
    for made in (covers, same):
        block = BlockDiagonal.of([made], 3)
        eta = doubts(block, 1)
        torch.testing.assert_close(oracle.move_scores(block, doubts(block), eta), eta)
    together = BlockDiagonal.of([covers, differ], 3)
    logit, eta = doubts(together), doubts(together, 1)
    parts = zip((covers, differ), logit.split(together.sizes), eta.split(together.sizes), strict=True)
    alone = torch.cat([oracle.move_scores(BlockDiagonal.of([made], 3), own, doubt) for made, own, doubt in parts])
    torch.testing.assert_close(oracle.move_scores(together, logit, eta), alone)
