"""From a program to a batch and back: encodings, and blocks that multiply, gather and scatter."""

import numpy as np
import pytest
import torch
from batches import LEVEL, mixed, noise
from drawn import programs
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm.cond import join, take
from becalm.errors import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.guidance.energies import violation
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.encoding import BinaryEncoding
from becalm_programs.problem.program import Program, activity
from becalm_programs.problem.standard_form import StandardForm

BOUNDED = ("binary", "integer", "continuous", "fixed")


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
