"""A file of demonstrations that is cut short, changed or locked is refused in one sentence that names it."""

import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numcodecs
import numpy as np
import pytest
import written
import zarr
from reading import files, refused, same

from becalm import UserError
from becalm_policies import formats
from becalm_policies.demonstrations.episodes import Episodes

pytestmark = pytest.mark.usefixtures("minari_root")

HDF5 = ("minari", "minari before 0.5", "robomimic")


@pytest.mark.parametrize("kind", written.FORMATS)
def test_a_copy_cut_short_is_refused_or_holds_the_same(tmp_path: Path, kind: str) -> None:
    """Each file at many lengths, and gone."""
    expected = written.small()
    path = written.FORMATS[kind](tmp_path, expected)
    accepted = 0
    for file in files(path):
        whole = file.read_bytes()
        count = 48 if path.is_file() else 4
        for length in sorted({int(share * len(whole)) for share in np.linspace(0, 1, count, endpoint=False)}):
            file.write_bytes(whole[:length])
            accepted += _refused_or_same(path, expected)
        if path.is_dir():
            file.unlink()
            accepted += _refused_or_same(path, expected)
        file.write_bytes(whole)
    assert same(formats.read(path), expected)
    assert accepted == 0 or path.is_dir()


def _refused_or_same(path: Path, expected: Episodes) -> bool:
    try:
        found = formats.read(path)
    except UserError as error:
        assert "\n" not in str(error)
        return False
    assert same(found, expected)
    return True


@pytest.mark.parametrize("kind", written.FORMATS)
def test_a_byte_gone_wrong_is_refused_or_read_but_never_a_crash(tmp_path: Path, kind: str) -> None:
    path = written.FORMATS[kind](tmp_path, written.small())
    rng = np.random.default_rng(0)
    for file in files(path):
        whole = file.read_bytes()
        for _ in range(40 if path.is_file() else 2):
            broken = bytearray(whole)
            broken[int(rng.integers(len(whole)))] ^= int(rng.integers(1, 256))
            file.write_bytes(broken)
            try:
                formats.read(path)
            except UserError as error:
                assert "\n" not in str(error)
        file.write_bytes(whole)


@pytest.mark.parametrize(
    "compressor",
    [None, *(numcodecs.get_codec({"id": name}) for name in ("blosc", "zstd", "lz4", "gzip", "zlib"))],
    ids=str,
)
def test_a_chunk_cut_short_is_refused_however_it_is_compressed(tmp_path: Path, compressor: object) -> None:
    path = written.zarr_folder(tmp_path, written.small(), compressor)
    chunk = path / "data" / "action" / "0.0"
    whole = chunk.read_bytes()
    for length in range(0, len(whole), 5):
        chunk.write_bytes(whole[:length])
        refused(path)


def _hold_nan(path: Path, kind: str) -> None:
    if kind in HDF5:
        place = {"robomimic": "data/demo_1/actions"}.get(kind, "episode_1/actions")
        with h5py.File(next(iter(path.rglob("*.hdf5")), path) if path.is_dir() else path, "r+") as file:
            file[place][2, 1] = np.nan
    else:
        zarr.open_group(str(path), mode="r+")["data/action"][9, 1] = np.nan


@pytest.mark.parametrize("kind", [*HDF5, "zarr"])
def test_actions_that_are_not_finite_are_refused(tmp_path: Path, kind: str) -> None:
    path = written.FORMATS[kind](tmp_path, written.small())
    _hold_nan(path, kind)
    assert "actions must be finite, but step 9 is not" in refused(path)


@pytest.mark.parametrize("chunks", [None, (2, 2)])
def test_an_array_that_the_file_does_not_hold_whole_is_refused(tmp_path: Path, chunks: tuple[int, int] | None) -> None:
    path = written.robomimic(tmp_path, written.small())
    with h5py.File(path, "r+") as file:
        del file["data/demo_1/actions"]
        file.create_dataset("data/demo_1/actions", (4, 2), "f8", chunks=chunks)
    assert "data/demo_1/actions must have all its" in refused(path)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return Path.touch, (tmp_path / "burst",)

    path = tmp_path / "store.npz"
    np.savez(path, observations=np.array([Bomb()], dtype=object), actions=np.zeros((1, 1)), ends=np.array([1]))
    refused(path)
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(Bomb()))
    refused(tmp_path / "plain.npz")
    assert not (tmp_path / "burst").exists()


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """The administrator may read all files, so he becomes somebody else."""
    if os.name == "nt" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = written.store(tmp_path, written.small())
    path.chmod(0)
    request.getfixturevalue("as_nobody")
    assert "permission denied" in refused(path)
