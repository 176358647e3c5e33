"""Packed files come out as they went in, in pieces, and no further than asked."""

import bz2
import gzip
import io
import lzma
import tracemalloc
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm.gate.unpack import pieces, unpacked

PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
PACKED = [name for name in PACK if name != "plain"]


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(PACKED), st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=3), st.integers(0, 9)
)
def test_members_one_after_the_other_are_one_content(name: str, parts: list[bytes], zeros: int) -> None:
    packed = b"".join(map(PACK[name], parts)) + bytes(zeros)
    assert unpacked(io.BytesIO(packed), 10**6) == b"".join(parts)


@pytest.mark.parametrize("name", PACK)
def test_pieces_of_a_large_file_make_the_whole(name: str) -> None:
    content = Random(0).randbytes(3 * 2**19)
    found = list(pieces(io.BytesIO(PACK[name](content))))
    assert b"".join(found) == content and max(map(len, found)) <= 2**20


@pytest.mark.parametrize("name", PACKED)
def test_a_file_cut_short_anywhere_is_damaged_and_gives_nothing(name: str) -> None:
    packed = PACK[name](b"some text that is packed" * 9)
    for end in range(6, len(packed)):
        given: list[bytes] = []
        with pytest.raises(ValueError, match=f"is a damaged {name} file"):
            given.extend(pieces(io.BytesIO(packed[:end])))
        assert not given


@pytest.mark.parametrize("name", PACKED)
def test_what_follows_a_packed_file_is_damage(name: str) -> None:
    with pytest.raises(ValueError, match=f"is a damaged {name} file"):
        list(pieces(io.BytesIO(PACK[name](b"text") + b"more")))


@pytest.mark.parametrize("name", PACKED)
def test_a_bomb_takes_no_more_memory_than_its_bound(name: str) -> None:
    packed = PACK[name](bytes(2**24)) * 8
    tracemalloc.start()
    try:
        assert unpacked(io.BytesIO(packed), 2**22) is None
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()


def test_an_xz_that_asks_for_a_large_window_is_refused() -> None:
    packed = bytearray(lzma.compress(b"text", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**29}]))
    with pytest.raises(ValueError, match="is a damaged xz file: Memory usage limit"):
        list(pieces(io.BytesIO(bytes(packed))))
