"""The network knows no order and no neighbours; of a set it gives a distribution."""

import numpy as np
import pytest
import torch
from batches import LEVEL, form, mixed, noise
from drawn import permuted

from becalm.cond import take
from becalm_programs.denoiser.network import Bipartite, posterior_mean
from becalm_programs.families import generate
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.rounding import round_entries
from becalm_programs.problem.standard_form import StandardForm


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


@pytest.mark.filterwarnings("ignore:Dynamo detected")
def test_it_compiles_to_one_graph() -> None:
    cond, network = (
        ProblemBatch((form("facility"),), (0, 0)),
        Bipartite(width=16, rounds=1).eval().requires_grad_(False),
    )
    x = noise(cond)
    expected = network(x, LEVEL, cond)
    assert torch.equal(torch.compile(network, backend="eager", fullgraph=True)(x, LEVEL, cond), expected)
