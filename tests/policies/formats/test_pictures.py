"""Pictures of every format come into a store to the byte, in the order of the steps."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import written
import zarr
from PIL import Image
from seeing import marked

from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.frames import Pixels

STEPS = sum(written.LENGTHS)
SEEN = marked(np.linspace(-1, 1, STEPS))


def per_episode(episodes: Episodes) -> list[Pixels]:
    return [SEEN[start:end] for start, end in zip(episodes.starts, episodes.ends, strict=True)]


def zarr_bytes(folder: Path, episodes: Episodes) -> Path:
    path = written.zarr_folder(folder, episodes)
    zarr.open_group(str(path), mode="a", zarr_format=2)["data"].create_array("image", data=SEEN, chunks=(5, 16, 24, 3))
    return path


def zarr_floats(folder: Path, episodes: Episodes) -> Path:
    path = written.zarr_folder(folder, episodes)
    group = zarr.open_group(str(path), mode="a", zarr_format=2)["data"]
    group.create_array("image", data=SEEN.astype(np.float32), chunks=(5, 16, 24, 3))
    return path


def robomimic(folder: Path, episodes: Episodes) -> Path:
    path = written.robomimic(folder, episodes)
    with h5py.File(path, "a") as file:
        for number, part in enumerate(per_episode(episodes)):
            file[f"data/demo_{number}/obs/image"] = part
            file[f"data/demo_{number}/next_obs/image"] = part[::-1]
    return path


def minari(folder: Path, episodes: Episodes) -> Path:
    """With one picture more than there are actions, as Minari has it."""
    path = written.old_minari(folder, episodes)
    with h5py.File(path, "a") as file:
        for number, part in enumerate(per_episode(episodes)):
            vector = file[f"episode_{number}/observations"]
            values = vector[()] if isinstance(vector, h5py.Dataset) else None
            if values is not None:
                del file[f"episode_{number}/observations"]
                file[f"episode_{number}/observations/vector"] = values
            file[f"episode_{number}/observations/image"] = np.concatenate([part, part[-1:]])
    return path


def encoded(picture: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def lerobot(folder: Path, episodes: Episodes) -> Path:
    path = written.lerobot_v3(folder, episodes)
    named(path, "observation.images.image", "image")
    for file, steps in zip(sorted((path / "data").rglob("*.parquet")), ((0, 11), (11, STEPS)), strict=True):
        rows = pyarrow.parquet.read_table(file)
        column = [{"bytes": encoded(SEEN[step]), "path": f"{step}.png"} for step in range(*steps)]
        pyarrow.parquet.write_table(rows.append_column("observation.images.image", pyarrow.array(column)), file)
    return path


def named(path: Path, name: str, kind: str) -> None:
    """Describes one camera of a LeRobot dataset, and no other."""
    info = json.loads((path / "meta/info.json").read_text())
    info["features"] = {name: each for name, each in info["features"].items() if each["dtype"] != "video"}
    info["features"][name] = {"dtype": kind, "shape": [16, 24, 3], "names": None}
    (path / "meta/info.json").write_text(json.dumps(info))


WRITERS: list[Callable[[Path, Episodes], Path]] = [zarr_bytes, zarr_floats, robomimic, minari, lerobot]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_the_pictures_of_a_format_come_into_a_store(
    becalm: Any, tmp_path: Path, write: Callable[[Path, Episodes], Path]
) -> None:
    path = write(tmp_path, written.small())
    code, said, wrong = becalm("store", path, "--cameras", "image", "--out", tmp_path / "store.npz")
    assert code == 0, wrong
    assert "image of 16 x 24" in said
    found = Episodes.read(tmp_path / "store.npz")
    assert np.array_equal(found.cameras["image"][np.arange(STEPS)], SEEN)
    code, said, _ = becalm("inspect", tmp_path / "store.npz", "--out", tmp_path / "store.png")
    assert code == 0 and "pictures of 16 x 24" in said and found.summary().endswith("entries, pictures of image")
    assert found.ends.tolist() == written.small().ends.tolist() and "left_out" not in found.spec


def test_pictures_are_brought_to_size(becalm: Any, tmp_path: Path) -> None:
    code, *_ = becalm("store", zarr_bytes(tmp_path, written.small()), "--pixels", 8, "--out", tmp_path / "store.npz")
    small = Episodes.read(tmp_path / "store.npz").cameras["image"]
    assert code == 0 and small.size == (8, 8)
    expected = SEEN[3].reshape(8, 2, 8, 3, 3).mean((1, 3))
    assert np.abs(small[np.array([3])][0] - expected).max() <= 1


def test_too_few_pictures_are_refused(becalm: Any, tmp_path: Path) -> None:
    path = robomimic(tmp_path, written.small())
    with h5py.File(path, "a") as file:
        del file["data/demo_1/obs/image"]
    code, _, said = becalm("store", path, "--out", tmp_path / "store.npz")
    assert code == 2 and f"a picture of image for each of {STEPS} steps, got {STEPS - written.LENGTHS[1]}" in said
    assert not (tmp_path / "store.npz").exists()


def test_videos_ask_for_their_package_by_name(becalm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written.lerobot_v3(tmp_path, written.small())
    named(path, "observation.images.top", "video")
    monkeypatch.setitem(sys.modules, "av", None)
    code, _, said = becalm("store", path, "--out", tmp_path / "store.npz")
    assert code == 2 and "video observation.images.top needs the package 'av'" in said
