"""Files that are damaged, empty or not there, as the command line meets them: one sentence, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import written
from reading import files
from small_policy import QUICK, made


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["observations", "actions", "rewards"])
def test_numbers_of_a_store_that_are_not_finite(
    refused: Callable[..., str], tmp_path: Path, name: str, value: float
) -> None:
    path = written.store(tmp_path, written.small())
    with np.load(path) as file:
        arrays = dict(file)
    arrays[name].reshape(20, -1)[13, 0] = value
    np.savez(path, **arrays)
    for words in (("inspect", path, "--out", "a.png"), ("train", *QUICK, "--data", path, "--out", "a.safetensors")):
        assert f"{name} must be finite, but step 13 is not" in refused(*words)


@pytest.mark.usefixtures("minari_root")
@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("kind", written.FORMATS)
def test_a_file_cut_short(refused: Callable[..., str], tmp_path: Path, kind: str, share: float) -> None:
    path = written.FORMATS[kind](tmp_path, written.small())
    largest = max(files(path), key=lambda file: file.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(content[: int(share * len(content))])
    assert str(tmp_path) in refused("inspect", path, "--out", "a.png")
    refused("train", *QUICK, "--data", path, "--out", "a.safetensors")


@pytest.mark.parametrize("name", ["a.npz", "a.hdf5", "a.zarr.zip", "a", "a.zarr"])
def test_an_empty_file_or_folder(refused: Callable[..., str], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix in (".npz", ".hdf5", ".zip"):
        path.write_bytes(b"")
    else:
        path.mkdir()
    assert str(path) in refused("inspect", path, "--out", "a.png")
    assert str(path) in refused("train", *QUICK, "--data", path, "--out", "a.safetensors")


def test_an_empty_recording_is_not_gone_on_with(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"")
    words = ("record", "--env", "becalm/Fork-v0", "--demonstrator", "expert", "--out", "a.npz")
    assert "a.npz exists" in refused(*words)
    assert "a.npz is damaged" in refused(*words, "--resume")


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_checkpoint_cut_short(refused: Callable[..., str], tmp_path: Path, share: float) -> None:
    file = made(tmp_path)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "cut short" in refused("evaluate", file, "--out", "a")
    assert "cut short" in refused("sample", "--checkpoint", file, "--out", "a.png")


def test_there_is_no_such_file(refused: Callable[..., str]) -> None:
    assert "there are no demonstrations 'pusth'" in refused("inspect", "pusth", "--out", "a.png")
    assert "did you mean 'pusht'?" in refused("train", *QUICK, "--data", "pusth", "--out", "a.safetensors")
    assert "did you mean 'lander'?" in refused("evaluate", "landr", "--out", "a")
