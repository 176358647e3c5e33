"""What a file of demonstrations lets lie elsewhere is not read, however it says so."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from reading import refused, same
from written import lerobot_v2, small, zarr_folder

from becalm_policies import formats

Write = Callable[[h5py.File, h5py.Group, Path], None]
CHOSEN = np.arange(4.0)


def external(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    obs.create_dataset("state", shape=(4,), dtype="u1", external=[(str(private), 0, 4)])


def virtual(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(private), "x", shape=(4,))
    obs.create_virtual_dataset("state", layout)


def without_sources(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    obs.create_virtual_dataset("state", h5py.VirtualLayout(shape=(4, 10**7), dtype="f8"), fillvalue=0)


def external_link(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    obs["state"] = h5py.ExternalLink(str(private), "x")


def soft_link(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    file["elsewhere"] = h5py.ExternalLink(str(private), "/")
    obs["state"] = h5py.SoftLink("/elsewhere/x")


def twice(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    obs["a"] = CHOSEN
    obs["b"] = obs["a"]


def cycle(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    obs["state"] = CHOSEN
    obs["again"] = file["data"]


def root_again(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    obs["state"] = file["/"]


def many_leaves(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    inner = file.create_group("x0")
    inner["a"] = CHOSEN
    for level in range(1, 26):
        outer = file.create_group(f"x{level}")
        outer["a"] = outer["b"] = inner
        inner = outer
    obs["all"] = inner


def wide_chunks(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    obs.create_dataset("state", data=CHOSEN, chunks=(2**23 + 1,), maxshape=(None,), compression="gzip")


def texts(file: h5py.File, obs: h5py.Group, private: Path) -> None:
    file["data/demo_0/rewards"] = ["a", "b", "c", "d"]
    obs["state"] = CHOSEN


CASES: dict[str, tuple[Write, str]] = {
    "external storage": (external, "is stored in another file"),
    "virtual sources": (virtual, "is put together from other arrays"),
    "virtual without sources": (without_sources, "is put together from other arrays"),
    "external link": (external_link, "is a link"),
    "soft link": (soft_link, "is a link"),
    "an array twice": (twice, "stands in the file twice"),
    "a cycle": (cycle, "stands in the file twice"),
    "the root again": (root_again, "stands in the file twice"),
    "2^25 leaves": (many_leaves, "stands in the file twice"),
    "chunks much wider than the array": (wide_chunks, "has chunks of 67108872 bytes"),
    "texts for numbers": (texts, "must hold numbers"),
}


@pytest.mark.parametrize("case", CASES)
def test_hdf5_that_lies_elsewhere_or_stands_there_twice_is_refused(tmp_path: Path, case: str) -> None:
    write, says = CASES[case]
    private = tmp_path / "private.hdf5"
    with h5py.File(private, "w") as file:
        file["x"] = CHOSEN
    with h5py.File(tmp_path / "demo.hdf5", "w") as file:
        group = file.create_group("data/demo_0")
        group["actions"] = np.zeros((4, 2))
        write(file, group.create_group("obs"), private)
    assert says in refused(tmp_path / "demo.hdf5")


def test_what_hdf5_declares_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "demo.hdf5", "w") as file:
        group = file.create_group("data/demo_0")
        group.create_dataset("obs/state", data=np.zeros((4, 1000), np.uint8), compression="gzip")
        group["actions"] = np.zeros((4, 2))
    assert len(formats.read(tmp_path / "demo.hdf5")) == 1
    monkeypatch.setenv("BECALM_MAX_BYTES", "30000")
    assert "data/demo_0/obs/state unpacks to more than the 30000 bytes" in refused(tmp_path / "demo.hdf5")


@pytest.mark.parametrize("name", ["data/action/0.0", ".zattrs", "data/keypoint/0.0.0"])
def test_a_zarr_folder_with_a_link_out_of_it_is_refused(tmp_path: Path, name: str) -> None:
    path = zarr_folder(tmp_path, small())
    place, private = path / name, tmp_path / "private"
    private.write_bytes(place.read_bytes() if place.exists() else b"{}")
    place.unlink(missing_ok=True)
    place.symlink_to(private)
    assert "is a link out of" in refused(path)


def test_a_zarr_folder_with_a_linked_folder_is_refused(tmp_path: Path) -> None:
    path = zarr_folder(tmp_path, small())
    (path / "data/state").rename(tmp_path / "state")
    (path / "data/state").symlink_to(tmp_path / "state")
    assert "is a link to a folder" in refused(path)


@pytest.mark.parametrize("inside", ["meta/info.json", "data/chunk-000/all.parquet"])
def test_a_lerobot_folder_with_a_link_out_of_it_is_refused(tmp_path: Path, inside: str) -> None:
    path = lerobot_v2(tmp_path, small())
    place = path / inside
    if not place.exists():
        place = next((path / "data").rglob("*.parquet"))
    place.rename(tmp_path / "private")
    place.symlink_to(tmp_path / "private")
    assert "is a link out of" in refused(path)


def test_a_lerobot_dataset_in_the_hubs_cache_is_read(tmp_path: Path) -> None:
    episodes = small()
    home = tmp_path / "datasets--owner--name"
    made = lerobot_v2(tmp_path, episodes)
    (home / "snapshots").mkdir(parents=True)
    (home / "blobs").mkdir()
    path = made.rename(home / "snapshots" / "0a1b")
    for number, place in enumerate(sorted(place for place in path.rglob("*") if place.is_file())):
        place.rename(home / "blobs" / str(number))
        place.symlink_to(home / "blobs" / str(number))
    assert same(formats.read(path), episodes)


def test_parquet_that_declares_more_than_may_be_read_is_refused(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    path = lerobot_v2(tmp_path, small())
    place = next((path / "data").rglob("*.parquet"))
    count = 3 * 10**6
    columns = {
        name: pyarrow.array(np.zeros(count, np.float32)) for name in ("observation.state", "action", "next.reward")
    }
    numbers = {name: pyarrow.array(np.zeros(count, np.int64)) for name in ("episode_index", "frame_index")}
    pyarrow.parquet.write_table(pyarrow.table({**columns, **numbers}), place)
    info = json.loads((path / "meta/info.json").read_text())
    (path / "meta/info.json").write_text(json.dumps({**info, "total_frames": count}))
    assert place.stat().st_size < 10**5
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BECALM_MAX_BYTES", str(10**8))
        assert "unpacks to more than the 100000000 bytes" in refused(path)
