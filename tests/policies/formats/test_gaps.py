"""What a format does not store because it is the fill value is read as that; what a copy lost is told."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import written
import zarr
from reading import refused

from becalm_policies import formats


def buffer(folder: Path, version: int, fill: float | None = 0.0, **more: object) -> tuple[Path, np.ndarray]:
    """A replay buffer in chunks of 8 steps, whose gripper is shut for steps 4 to 27; and its observations."""
    path, rng = folder / "small.zarr", np.random.default_rng(0)
    root = zarr.open_group(str(path), mode="w", zarr_format=version)
    state = rng.normal(3, 1, (40, 3))
    state[4:28] = fill or 0.0
    arrays = {"state": state, "action": rng.normal(size=(40, 2)), "reward": np.full(40, fill or 0.0)}
    data, meta = root.create_group("data"), root.create_group("meta")
    for name, values in arrays.items():
        kind = {"fill_value": fill, "chunks": (8, *values.shape[1:])}
        made = data.create_array(name, shape=values.shape, dtype="float64", **kind, **more)
        made[...] = values
    ends = meta.create_array("episode_ends", shape=(2,), dtype="int64", chunks=(2,))
    ends[...] = [20, 40]
    return path, state


@pytest.mark.parametrize("fill", [0.0, -1.5])
@pytest.mark.parametrize(
    ("version", "more"),
    [
        (2, {}),
        (2, {"chunk_key_encoding": {"name": "v2", "separator": "/"}}),
        (3, {}),
        (3, {"chunk_key_encoding": {"name": "v2", "separator": "."}}),
    ],
)
def test_chunks_of_the_fill_value_alone_need_not_be_stored(
    tmp_path: Path, version: int, more: dict[str, object], fill: float
) -> None:
    path, state = buffer(tmp_path, version, fill, **more)
    found = formats.read(path)
    assert np.array_equal(found.observations, state)
    assert found.rewards is not None and (found.rewards == fill).all()


@pytest.mark.parametrize("version", [2, 3])
def test_a_chunk_that_the_copy_lost_is_told_where_it_can_be(tmp_path: Path, version: int) -> None:
    path, _ = buffer(tmp_path, version)
    (path / "data" / "action" / ("1.0" if version == 2 else "c/1/0")).unlink()
    assert "data/action must have all its 5 chunks, got 4: the copy is partial" in refused(path)


def test_without_a_fill_value_all_chunks_must_be_there(tmp_path: Path) -> None:
    path, _ = buffer(tmp_path, 2)
    described = path / "data" / "reward" / ".zarray"
    described.write_text(json.dumps({**json.loads(described.read_text()), "fill_value": None}))
    assert "data/reward must have all its 5 chunks, got 0: the copy is partial, since there is no fill" in refused(path)


def test_gaps_in_an_array_of_any_number_of_chunks_are_refused(tmp_path: Path) -> None:
    path, _ = buffer(tmp_path, 2)
    described = path / "data" / "reward" / ".zarray"
    described.write_text(json.dumps({**json.loads(described.read_text()), "shape": [2 * 10**6], "chunks": [1]}))
    assert "it has more than 1048576" in refused(path)


@pytest.mark.parametrize("shut", [True, False])
def test_hdf5_may_leave_out_chunks_too(tmp_path: Path, shut: bool) -> None:
    path = written.robomimic(tmp_path, written.small())
    rng = np.random.default_rng(0)
    values = rng.normal(size=(9, 2))
    values[3:] = 0 if shut else 1
    with h5py.File(path, "r+") as file:
        del file["data/demo_2/actions"]
        made = file.create_dataset("data/demo_2/actions", (9, 2), "f8", chunks=(2, 2))
        made[:4], made[8:] = values[:4], values[8:]
    if shut:
        assert np.array_equal(formats.read(path).actions[-9:], values)
    else:
        assert "data/demo_2/actions must have all its 5 chunks, got 3: the copy is partial" in refused(path)
