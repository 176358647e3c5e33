"""Graphs of torch-geometric are the same programs: its batches and its message passing are the oracle of ours."""

import pytest
import torch

from becalm_programs.families import generate
from becalm_programs.formats.graph import HOLDS, IN, to_hetero
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.standard_form import StandardForm

pytest.importorskip("torch_geometric")
FAMILIES = ("set-cover", "facility", "knapsack")


@pytest.fixture(scope="module")
def forms() -> list[StandardForm]:
    return [StandardForm.of(generate(family, "tiny", seed)) for seed, family in enumerate(FAMILIES)]


def test_its_message_passing_comes_to_what_sparse_products_come_to(forms: list[StandardForm]) -> None:
    from torch_geometric.data import Batch
    from torch_geometric.nn import SimpleConv

    batch = Batch.from_data_list([to_hetero(form) for form in forms])
    block = BlockDiagonal.of(forms, 1)
    sums = SimpleConv(aggr="sum")
    h = torch.randn(len(block.cost), 5, generator=torch.Generator().manual_seed(0))
    rows = sums((h, block.low[:, None]), batch[IN].edge_index, batch[IN].edge_attr[:, 0], size=(len(h), len(block.low)))
    torch.testing.assert_close(rows, block.down(h))
    back = sums((rows, h), batch[HOLDS].edge_index, batch[HOLDS].edge_attr[:, 0], size=(len(rows), len(h)))
    torch.testing.assert_close(back, block.up(block.down(h)))


def test_its_batches_know_which_program_is_which(forms: list[StandardForm]) -> None:
    from torch_geometric.data import Batch

    batch = Batch.from_data_list([to_hetero(form) for form in forms])
    block = BlockDiagonal.of(forms, 1)
    torch.testing.assert_close(batch["entry"].batch, block.entry_owner)
    torch.testing.assert_close(batch["row"].batch, block.row_owner)
    for name in ("cost", "x"):
        torch.testing.assert_close(batch["entry"][name], block.cost if name == "cost" else block.features)
    assert len(batch.get_example(1)["row"].low) == len(forms[1].low)
