"""Blocks have the size that is asked for, and a connected one hangs together by rows."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from becalm_programs.anytime.block import between, connected, scattered
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.search.structure.columns import Columns


@pytest.mark.parametrize("family", ["set-cover", "independent-set", "facility"])
def test_a_connected_block_hangs_together_and_has_its_size(family: str) -> None:
    columns = Columns.of(generate(family, "small", 0))
    size, random = len(columns.degree), np.random.default_rng(0)
    assert connected_components(abs(columns.program.rows.T) @ abs(columns.program.rows))[0] == 1
    for count in (2, size // 10, size // 3):
        chosen = connected(columns, count, random)
        part = abs(columns.program.rows[:, np.flatnonzero(chosen)])
        assert chosen.sum() == count and connected_components(part.T @ part)[0] == 1


def test_a_block_goes_on_where_nothing_hangs_on_it_and_blocks_differ() -> None:
    columns = Columns.of(from_arrays(np.ones(12), sparse.kron(sparse.eye(4), np.ones((1, 3))), row_low=1.0))
    blocks = [connected(columns, 7, np.random.default_rng(seed)) for seed in range(8)]
    assert {int(block.sum()) for block in blocks} == {7} and len({block.tobytes() for block in blocks}) > 4
    # Whole rows first.
    assert all((np.sort(block.reshape(4, 3).sum(axis=1)) == [0, 1, 3, 3]).all() for block in blocks)


def test_other_blocks_have_their_size_and_hold_what_differs() -> None:
    columns = Columns.of(generate("set-cover", "tiny", 0))
    x, other, random = np.zeros(10), np.eye(10)[3], np.random.default_rng(0)
    assert scattered(columns, 4, random).sum() == 4 and scattered(columns, 99, random).all()
    chosen = between(x, other, columns, 5, random)
    assert chosen[3] and chosen.sum() in (5, 4)
    assert between(x, np.ones(10), columns, 5, random).all()
