"""idx files are read exactly, and a damaged one is one sentence."""

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from becalm import UserError
from becalm_images.data import idx

FIXTURE = Path(__file__).parents[2] / "fixtures" / "mnist"


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("idx") / "x.gz"
    idx.write(path, array)
    assert np.array_equal(idx.read(path), array)
    assert idx.read(path).shape == array.shape


def test_the_fixture_holds_the_first_mnist_labels() -> None:
    labels = idx.read(FIXTURE / "train-labels-idx1-ubyte.gz")
    assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


def test_plain_and_gzipped_files_are_the_same(tmp_path: Path) -> None:
    packed = FIXTURE / "train-labels-idx1-ubyte.gz"
    plain = tmp_path / "labels"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    assert np.array_equal(idx.read(plain), idx.read(packed))


@pytest.mark.parametrize("kept", [0, 1, 3, 7, 9, 100])
def test_a_file_cut_short_is_one_sentence(tmp_path: Path, kept: int) -> None:
    whole = gzip.decompress((FIXTURE / "train-labels-idx1-ubyte.gz").read_bytes())
    path = tmp_path / "labels"
    path.write_bytes(whole[:kept])
    with pytest.raises(UserError, match=r"^[^\n]*labels[^\n]*$"):
        idx.read(path)


def test_damaged_gzip_is_one_sentence(tmp_path: Path) -> None:
    whole = (FIXTURE / "train-labels-idx1-ubyte.gz").read_bytes()
    for place in range(len(whole)):
        path = tmp_path / "labels.gz"
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        # A flip in gzip's own header fields (time, name) leaves the content whole.
        with contextlib.suppress(UserError):
            assert len(idx.read(path)) == 500


def test_other_number_types_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "floats"
    path.write_bytes(bytes([0, 0, 0x0D, 1, 0, 0, 0, 1]) + b"\0\0\0\0")
    with pytest.raises(UserError, match="unsigned bytes"):
        idx.read(path)
