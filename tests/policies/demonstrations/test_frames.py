"""Pictures are left where they lie, and are the same wherever that is."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from seeing import SIZE, marked, pointing

from becalm import UserError
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.frames import Frames, beside


def test_a_store_with_cameras_comes_back_mapped_and_equal(tmp_path: Path) -> None:
    store = pointing(cameras=("image", "wrist.left"))
    store.write(tmp_path / "store.npz")
    found = Episodes.read(tmp_path / "store.npz")
    steps = np.arange(len(store.actions))
    assert list(found.cameras) == ["image", "wrist.left"]
    assert all(np.array_equal(found.cameras[name][steps], store.cameras[name][steps]) for name in store.cameras)
    assert all(isinstance(frames.sources[0], np.memmap) for frames in found.cameras.values())
    assert found.digest == store.digest != pointing(seed=1, cameras=("image", "wrist.left")).digest


def test_taken_and_joined_pictures_are_those_of_their_steps() -> None:
    one, other = pointing(), pointing(seed=1)
    both = Episodes.join([one, other]).take([5, 0, 2])
    steps = np.array([[0, 13], [35, 13]])
    expected = np.concatenate([each.cameras["image"][np.arange(48)] for each in (one, other)])
    rows = np.concatenate([np.arange(60, 72), np.arange(12), np.arange(24, 36)])
    assert np.array_equal(both.cameras["image"][steps], expected[rows][steps])
    assert both.cameras["image"].sources == (*one.cameras["image"].sources, *other.cameras["image"].sources)


def test_any_rows_by_number_will_do_as_a_source(tmp_path: Path) -> None:
    pictures = marked(np.linspace(-1, 1, 9))
    with h5py.File(tmp_path / "pictures.hdf5", "w") as file:
        stored = file.create_dataset("image", data=pictures, chunks=(2, *SIZE, 3))
        steps = np.array([8, 0, 3, 3])
        assert np.array_equal(Frames.of(stored)[steps], pictures[steps])


@pytest.mark.parametrize("damage", ["gone", "short", "floats", "grey"])
def test_damaged_pictures_are_refused_in_a_sentence(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "store.npz"
    pointing().write(path)
    pictures = beside(path, "image")
    if damage == "gone":
        pictures.unlink()
    elif damage == "short":
        pictures.write_bytes(pictures.read_bytes()[:-7])
    else:
        np.save(pictures, np.zeros((48, *SIZE, 3)) if damage == "floats" else np.zeros((48, *SIZE), np.uint8))
    words = {"gone": "there is no", "short": "cut short", "floats": "float64", "grey": r"uint8 \(48, 16, 24\)"}
    with pytest.raises(UserError, match=words[damage]):
        Episodes.read(path)


def test_a_camera_has_a_picture_a_step_all_of_one_size() -> None:
    with pytest.raises(UserError, match="one picture of image per observation, got 2 for 48"):
        store = pointing()
        Episodes(store.observations, store.actions, store.ends, cameras={"image": Frames.of(marked([0, 0]))})
    with pytest.raises(UserError, match="one height and width"):
        Frames.join([Frames.of(marked([0])), Frames.of(marked([0], (8, 8)))])
