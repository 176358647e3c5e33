"""Arrays of an npz by name: what numpy reads, and nothing of the members that nobody asked for."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from becalm.errors import UserError
from becalm.gate.zip import arrays

KINDS = {"a": "fiu", "names": "U", "b": "iu"}


def written(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def npy(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def header(descr: str, shape: tuple[int, ...]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": descr, "fortran_order": False, "shape": shape})
    return content.getvalue()


@pytest.mark.parametrize("packed", [True, False])
def test_arrays_are_what_numpy_reads(tmp_path: Path, packed: bool) -> None:
    held = {"a": np.arange(12.0).reshape(3, 4).T, "names": np.array(["x", "äöü"]), "b": np.zeros((0, 3), np.int8)}
    (np.savez_compressed if packed else np.savez)(tmp_path / "a.npz", **held)
    found = arrays(tmp_path / "a.npz", "a file", KINDS)
    with np.load(tmp_path / "a.npz") as there:
        assert found.keys() == set(there.files)
        for name, array in found.items():
            np.testing.assert_array_equal(array, there[name])
            assert array.dtype == there[name].dtype and array.shape == there[name].shape


def test_members_that_nobody_asked_for_are_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.npz", {"a.npy": npy([1.0]), "other.npy": pickle.dumps(print)})
    assert arrays(path, "a file", KINDS).keys() == {"a"}


BAD = {
    "object": ({"a.npy": header("|O", (1,)) + b"x"}, "must hold numbers"),
    "structure": ({"a.npy": header("<f8", (1,)).replace(b"'<f8'", b"'V16'") + bytes(16)}, "must hold numbers"),
    "text for numbers": ({"a.npy": npy(["x"])}, "must hold numbers, got <U1"),
    "numbers for text": ({"a.npy": npy([1]), "names.npy": npy([1])}, "names must hold text"),
    "more than it holds": ({"a.npy": header("<f8", (2**40,)) + bytes(80)}, "declares 8796093022208 bytes"),
    "sizes that wrap around": ({"a.npy": header("<f8", (2**33, 2**33)) + bytes(80)}, "declares"),
    "below zero": ({"a.npy": header("<f8", (-1,)) + bytes(80)}, "declares"),
    "less": ({"a.npy": header("<f8", (2,)) + bytes(17)}, "must hold 16 bytes, got 17"),
    "no header": ({"a.npy": b"no"}, "damaged or not a file"),
    "code in the header": ({"a.npy": header("<f8", (1,)).replace(b"(1,)", b"f()")}, "damaged or not a file"),
    "not there": ({"b.npy": npy([1])}, "must hold 'a', got b"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_array_of_the_kind_is_one_sentence(tmp_path: Path, name: str) -> None:
    members, says = BAD[name]
    with pytest.raises(UserError, match=r"a\.npz") as caught:
        arrays(written(tmp_path / "a.npz", members), "a file", KINDS, ("a",))
    assert says in str(caught.value)


def test_what_members_declare_is_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.npz", {"a.npy": npy(np.zeros(100)), "b.npy": npy(np.zeros(100, np.int64))})
    monkeypatch.setenv("BECALM_MAX_BYTES", "1900")
    assert len(arrays(path, "a file", KINDS)) == 2
    monkeypatch.setenv("BECALM_MAX_BYTES", "1800")
    with pytest.raises(UserError, match="b unpacks to more than the 1800 bytes"):
        arrays(path, "a file", KINDS)


@pytest.mark.parametrize("end", [0, 10, 60, -10])
def test_an_archive_cut_short_is_one_sentence(tmp_path: Path, end: int) -> None:
    path = written(tmp_path / "a.npz", {"a.npy": npy(np.arange(50))})
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(UserError, match=r"a\.npz is damaged or not a file"):
        arrays(path, "a file", KINDS)
