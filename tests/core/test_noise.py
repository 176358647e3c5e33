"""Random numbers are a function of (seed, sample, step, purpose) and of nothing else."""

import math
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from becalm.noise import Purpose, bits, epochs, normal, permutation, philox, stream, uniform

ONES = 0xFFFFFFFF
# Random123's known answers (Salmon et al. 2011, file kat_vectors): counter, key, output.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES, ONES, ONES), (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def samples(count: int) -> Tensor:
    return torch.arange(count)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_bits_are_those_of_philox(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    words = philox(key, tuple(torch.tensor([word]) for word in counter))  # type: ignore[arg-type]
    assert tuple(int(word) for word in words) == expected


def test_normal_numbers_are_normal() -> None:
    drawn = normal(3, samples(2000), 5, Purpose.STEP, (101,)).double()
    assert stats.kstest(drawn.flatten().numpy(), "norm").pvalue > 1e-3
    assert abs(float(drawn.mean())) < 4 / math.sqrt(drawn.numel())
    assert abs(float(drawn.var()) - 1) < 4 * math.sqrt(2 / drawn.numel())
    assert abs(float((drawn**4).mean()) - 3) < 4 * math.sqrt(96 / drawn.numel())


def test_uniform_numbers_are_uniform_and_inside_the_open_interval() -> None:
    drawn = uniform(3, samples(2000), 5, Purpose.STEP, (100,))
    assert stats.kstest(drawn.flatten().numpy(), "uniform").pvalue > 1e-3
    assert 0 < float(drawn.min()) and float(drawn.max()) < 1


@pytest.mark.parametrize("axis", ["sample", "step", "purpose", "seed", "place"])
def test_neighbouring_streams_are_uncorrelated(axis: str) -> None:
    first = normal(7, samples(4000), 2, Purpose.STEP, (8,))
    second = {
        "sample": normal(7, samples(4000) + 1, 2, Purpose.STEP, (8,)),
        "step": normal(7, samples(4000), 3, Purpose.STEP, (8,)),
        "purpose": normal(7, samples(4000), 2, Purpose.START, (8,)),
        "seed": normal(8, samples(4000), 2, Purpose.STEP, (8,)),
        "place": first.roll(1, dims=1),
    }[axis]
    assert abs(float((first * second).mean())) < 4 / math.sqrt(first.numel())


def test_a_sample_does_not_know_its_batch() -> None:
    whole = normal(1, samples(64), 3, Purpose.STEP, (3, 5))
    for index in (torch.tensor([17]), torch.arange(10, 27), torch.randperm(64)):
        assert torch.equal(normal(1, index, 3, Purpose.STEP, (3, 5)), whole[index])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_a_shorter_draw_is_the_beginning_of_a_longer_one(seed: int, step: int, size: int) -> None:
    long = bits(seed, samples(3), step, Purpose.STEP, 24)
    assert torch.equal(bits(seed, samples(3), step, Purpose.STEP, size), long[:, :size])


@pytest.mark.parametrize("other", [2**32, 2**40, 2**62])
def test_the_high_word_of_a_seed_counts(other: int) -> None:
    assert not torch.equal(normal(5, samples(4), 0, Purpose.STEP), normal(5 + other, samples(4), 0, Purpose.STEP))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (5,), (2, 3)])
def test_rows_of_one_sample_take_disjoint_parts_of_its_stream(shape: tuple[int, ...]) -> None:
    owner = torch.tensor([4, 4, 4, 9, 9])
    drawn = stream(0, owner)(torch.empty(5, *shape))
    assert len(torch.unique(drawn.reshape(-1))) == drawn.numel()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_a_ragged_sample_draws_what_it_draws_alone(shape: tuple[int, ...]) -> None:
    owner = torch.tensor([0, 0, 0, 1, 2, 2])
    together = stream(0, owner)
    alone = [stream(0, owner[owner == sample]) for sample in range(3)]
    for _ in range(3):
        drawn = together(torch.empty(6, *shape))
        for sample, one in enumerate(alone):
            assert torch.equal(drawn[owner == sample], one(torch.empty(int((owner == sample).sum()), *shape)))


def test_a_stream_moves_on_and_can_start_anywhere() -> None:
    like = torch.empty(4, 2)
    moving = stream(0, samples(4))
    drawn = [moving(like) for _ in range(3)]
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(stream(0, samples(4), first_step=2)(like), drawn[2])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(1, 300))
def test_a_permutation_is_one(seed: int, epoch: int, count: int) -> None:
    assert torch.equal(permutation(seed, epoch, count).sort().values, samples(count))


def test_permutations_differ_by_seed_and_epoch_and_favour_no_place() -> None:
    assert not torch.equal(permutation(0, 0, 50), permutation(0, 1, 50))
    assert not torch.equal(permutation(0, 0, 50), permutation(1, 0, 50))
    first = torch.stack([permutation(0, epoch, 5)[:1] for epoch in range(1000)]).flatten()
    assert stats.chisquare(torch.bincount(first, minlength=5).numpy()).pvalue > 1e-3


def test_no_draw_touches_torchs_own_random_state() -> None:
    before = torch.random.get_rng_state()
    stream(0, samples(4))(torch.empty(4, 2))
    permutation(0, 0, 10)
    assert torch.equal(torch.random.get_rng_state(), before)


@given(count=st.integers(1, 30), batch=st.integers(1, 12), start=st.integers(0, 40))
def test_batches_begin_anywhere_and_an_epoch_holds_no_example_twice(count: int, batch: int, start: int) -> None:
    whole = list(islice(epochs(3, count, batch), start + 4))
    later = list(islice(epochs(3, count, batch, start), 4))
    for (number, one), (other, two) in zip(whole[start:], later, strict=True):
        assert number == other and torch.equal(one, two)
    per_epoch = max(count // batch, 1)
    first = torch.cat([index for _, index in islice(epochs(3, count, batch), per_epoch)])
    assert len(first.unique()) == len(first) == min(per_epoch * batch, count)


def test_the_compiled_loop_gives_the_words_of_the_arrays() -> None:
    pytest.importorskip("numba")
    from becalm.noise.compiled import rounds
    from becalm.noise.philox import rounds_of_arrays

    key = (ONES, 0x299F31D0)
    words = np.random.default_rng(0).integers(0, 2**32, (2, 2, 3, 5), np.uint64)
    words[1, 0, 0, 0] = 2**40  # A sample's number may be longer than a word.
    compiled = words.copy()
    rounds(np.array(key, np.uint64), compiled.reshape(2, 2, -1))
    rounds_of_arrays(key, words)
    assert np.array_equal(compiled, words)


def test_steps_drawn_at_once_are_those_drawn_one_by_one() -> None:
    owner, first = torch.tensor([4, 4, 9]), torch.tensor([0, 8, 0])
    steps = torch.tensor([3, 0, ONES])
    together = normal(1, owner, steps[:, None], Purpose.STEP, (2, 3), first)
    for step, drawn in zip(steps, together, strict=True):
        assert torch.equal(drawn, normal(1, owner, int(step), Purpose.STEP, (2, 3), first))
        assert torch.equal(drawn, normal(1, owner, step, Purpose.STEP, (2, 3), first))
    words = bits(1, owner, steps[:, None], Purpose.STEP, 7, first)
    assert torch.equal(words[2], bits(1, owner, ONES, Purpose.STEP, 7, first))


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_arrays_give_the_bits_of_philox(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    from becalm.noise.philox import rounds_of_arrays

    first, second, third, fourth = counter
    words = np.array([[first, third], [second, fourth]], np.uint64)[..., None]
    rounds_of_arrays(key, words)
    assert tuple(words[..., 0].T.flatten().tolist()) == expected


@pytest.mark.parametrize("shape", [(2,), (2**13,)])
def test_a_stream_is_the_same_however_many_calls_are_expected(shape: tuple[int, ...]) -> None:
    like = torch.empty(4, *shape)
    plain = stream(0, samples(4))
    others = [stream(0, samples(4), expected=count) for count in (1, 5, 100)]
    for _ in range(9):
        drawn = plain(like)
        assert all(torch.equal(drawn, other(like)) for other in others)
