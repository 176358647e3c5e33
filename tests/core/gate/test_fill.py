"""Chunks that are not stored are taken for the fill value only where it stands in a row that is stored."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm.errors import UserError
from becalm.gate import fill


def _check(values: np.ndarray, chunks: tuple[int, ...], absent: list[fill.Place]) -> bool:
    try:
        fill.check("it", values, 0.0, chunks, absent)
    except UserError as error:
        assert "the copy is partial" in str(error)
        return False
    return True


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_gap_is_believed_if_a_stored_row_of_its_columns_is_the_fill_value(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 4)))
    chunks = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 4)))
    counts = [-(-size // chunk) for size, chunk in zip(shape, chunks, strict=True)]
    places = list(itertools.product(*map(range, counts)))
    absent = data.draw(st.lists(st.sampled_from(places), unique=True))
    values = data.draw(st.integers(0, 2**12 - 1).map(lambda bits: (bits >> np.arange(12)) & 1))[: shape[0], None]
    values = np.repeat(values, shape[1], axis=1).astype(float)
    for row, column in absent:
        values[row * chunks[0] : (row + 1) * chunks[0], column * chunks[1] : (column + 1) * chunks[1]] = 0
    expected = True
    for column in {place[1] for place in absent}:  # By brute force, a row at a time.
        block = values[:, column * chunks[1] : (column + 1) * chunks[1]]
        stored = [row for row in range(shape[0]) if (row // chunks[0], column) not in absent]
        expected &= not stored or any((block[row] == 0).all() for row in stored)
    assert _check(values, chunks, absent) == expected


def test_the_sentence_says_how_many_are_there() -> None:
    with pytest.raises(UserError, match=r"it must have all its 3 chunks, got 2: .* fill value 0\.0 alone"):
        fill.check("it", np.array([1.0, 1, 0, 0, 1]), 0.0, (2,), [(1,)])
