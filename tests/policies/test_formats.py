"""Demonstrations survive each format they come in; what is damaged is refused in one sentence that names the file."""

import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numcodecs
import numpy as np
import pytest
import written
import zarr

from becalm import UserError
from becalm_policies import formats
from becalm_policies.episodes import Episodes
from becalm_policies.formats import minari

SENTENCE = r"^[^\n]{20,600}$"
HDF5 = ("minari", "minari before 0.5", "robomimic")


@pytest.fixture(autouse=True)
def minari_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "minari"
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    return root


@pytest.fixture(params=written.FORMATS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def same(found: Episodes, expected: Episodes) -> bool:
    """Whether the steps and episodes are the same; rewards too, if both have them."""
    arrays = [(found.observations, expected.observations), (found.actions, expected.actions)]
    arrays.append((found.ends, expected.ends))
    if found.rewards is not None and expected.rewards is not None:
        arrays.append((found.rewards, expected.rewards))
    return all(np.array_equal(first, second) for first, second in arrays)


def files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(place for place in path.rglob("*") if place.is_file())


def refused(path: Path) -> str:
    with pytest.raises(UserError, match=SENTENCE) as caught:
        formats.read(path)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_demonstrations_survive_the_format(tmp_path: Path, kind: str) -> None:
    expected = written.small()
    found = formats.read(written.FORMATS[kind](tmp_path, expected))
    assert same(found, expected)
    assert (found.rewards is None) == (kind == "pusht")
    assert len(found.spec.get("observation", range(5))) == 5


def test_the_environment_and_the_bounds_are_known_where_the_format_says_them(tmp_path: Path, kind: str) -> None:
    found = formats.read(written.FORMATS[kind](tmp_path, written.small()))
    push_t = kind in ("pusht", "zarr", "zarr.zip")
    nothing = kind.startswith("lerobot")
    assert found.environment == ("gym_pusht/PushT-v0" if push_t else "" if nothing else "Pendulum-v1")
    bound = [512.0, 512.0] if push_t else None if nothing or kind == "robomimic" else [1e3, 1e3]
    assert found.spec.get("action_high") == bound


def test_demonstrations_without_rewards_have_none(tmp_path: Path, kind: str) -> None:
    expected = written.small(rewards=False)
    if kind == "minari":
        pytest.skip("Minari's own writer has always rewards")
    assert formats.read(written.FORMATS[kind](tmp_path, expected)).rewards is None


def test_what_is_read_can_be_kept_in_a_store(tmp_path: Path, kind: str) -> None:
    found = formats.read(written.FORMATS[kind](tmp_path, written.small()))
    found.write(tmp_path / "kept.npz")
    kept = formats.read(tmp_path / "kept.npz")
    assert same(kept, found)
    assert (kept.environment, dict(kept.spec)) == (found.environment, dict(found.spec))


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


def test_a_byte_gone_wrong_is_refused_or_read_but_never_a_crash(tmp_path: Path, kind: str) -> None:
    if kind in HDF5:
        pytest.skip("the HDF5 library itself can crash on such a file")
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


def _hold_nan(path: Path, kind: str) -> None:
    if kind in HDF5:
        place = {"robomimic": "data/demo_1/actions"}.get(kind, "episode_1/actions")
        with h5py.File(next(iter(path.rglob("*.hdf5")), path) if path.is_dir() else path, "r+") as file:
            file[place][2, 1] = np.nan
    else:
        zarr.open_group(str(path), mode="r+")["data/action"][9, 1] = np.nan


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


@pytest.mark.parametrize("kind", [*HDF5, "zarr"])
def test_actions_that_are_not_finite_are_refused(tmp_path: Path, kind: str) -> None:
    path = written.FORMATS[kind](tmp_path, written.small())
    _hold_nan(path, kind)
    assert "actions must be finite, but step 9 is not" in refused(path)


def _rewrite(change: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Path], Path]:
    def rewrite(folder: Path) -> Path:
        path = written.pusht(folder, written.small())
        with np.load(path) as file:
            arrays = dict(file)
        change(arrays)
        np.savez(path, **arrays)
        return path

    return rewrite


def _hdf5(write: Callable[[Path, Episodes], Path], change: Callable[[h5py.File], None]) -> Callable[[Path], Path]:
    def rewrite(folder: Path) -> Path:
        path = write(folder, written.small())
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return rewrite


def _replace(name: str, values: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        if values is not None:
            file[name] = values

    return change


def _info(**changes: object) -> Callable[[Path], Path]:
    def rewrite(folder: Path) -> Path:
        path = written.lerobot_v2(folder, written.small())
        info = json.loads((path / "meta" / "info.json").read_text())
        (path / "meta" / "info.json").write_text(json.dumps({**info, **changes}))
        return path

    return rewrite


def _discrete(folder: Path) -> Path:
    path = written.old_minari(folder, written.small())
    with h5py.File(path, "r+") as file:
        file.attrs["action_space"] = json.dumps({"type": "Discrete", "n": 4, "start": 0})
    return path


def _text(folder: Path) -> Path:
    (folder / "notes.npz").write_text("these are no demonstrations")
    return folder / "notes.npz"


def _nothing(folder: Path) -> Path:
    (folder / "empty.npz").touch()
    return folder / "empty.npz"


def _folder(folder: Path) -> Path:
    (folder / "things" / "inner").mkdir(parents=True)
    return folder / "things"


def _partial_zarr(folder: Path) -> Path:
    path = written.zarr_folder(folder, written.small())
    (path / "data" / "state" / "1.0").unlink()
    return path


def _unknown_zarr(folder: Path) -> Path:
    path = written.zarr_folder(folder, written.small())
    for name in ("state", "keypoint"):
        shutil.rmtree(path / "data" / name)
    return path


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "nowhere.npz", "there is no file or folder"),
    "no bytes": (_nothing, "is empty"),
    "text": (_text, "in no known format; known are"),
    "a folder of other things": (_folder, "in no known format; known are"),
    "no actions": (
        _rewrite(lambda arrays: arrays.__delitem__("action")),
        "must hold 'action', got episode_ends, state",
    ),
    "strings": (
        _rewrite(lambda arrays: arrays.update(action=np.full((20, 2), "x"))),
        "action must hold numbers, got <U1",
    ),
    "lengths differ": (_rewrite(lambda arrays: arrays.update(action=np.zeros((19, 2)))), "one action per observation"),
    "ends beyond": (
        _rewrite(lambda arrays: arrays.update(episode_ends=np.array([3, 99]))),
        "finish at the number of steps",
    ),
    "ends fall": (_rewrite(lambda arrays: arrays.update(episode_ends=np.array([9, 4, 20]))), "must ascend"),
    "ends are real": (_rewrite(lambda arrays: arrays.update(episode_ends=np.array([4.5, 20]))), "whole numbers"),
    "no episodes": (_rewrite(lambda arrays: arrays.update(episode_ends=np.zeros(0, int))), "at least one episode"),
    "robomimic without obs": (
        _hdf5(written.robomimic, _replace("data/demo_1/obs", None)),
        "data/demo_1 must hold 'obs', got actions, rewards",
    ),
    "robomimic lengths": (
        _hdf5(written.robomimic, _replace("data/demo_1/actions", np.zeros((3, 2)))),
        "data/demo_1 must have one observation per action, got 4 and 3",
    ),
    "robomimic sizes": (
        _hdf5(written.robomimic, _replace("data/demo_2/actions", np.zeros((9, 3)))),
        "actions must have 2 entries as in episode 0, got 3 in 2",
    ),
    "robomimic without demos": (_hdf5(written.robomimic, lambda file: file["data"].clear()), "holds no episodes"),
    "minari with strings": (
        _hdf5(written.old_minari, _replace("episode_0/actions", [b"left"] * 7)),
        "episode_0/actions must hold numbers",
    ),
    "minari with choices": (_discrete, "the action space must be a Box, got Discrete"),
    "minari with integers": (
        _hdf5(written.old_minari, _replace("episode_0/actions", np.zeros(7, int))),
        "got whole numbers (a Discrete space)",
    ),
    "minari in part": (_hdf5(written.old_minari, _replace("episode_2", None)), "must hold 3 episodes"),
    "hdf5 of others": (
        _hdf5(written.old_minari, lambda file: (file.clear(), file.create_group("things"))[0]),
        "must hold data/demo_N (robomimic) or episode_N (Minari), got things",
    ),
    "zarr in part": (_partial_zarr, "data/state must have all its 3 chunks, got 2"),
    "zarr of others": (_unknown_zarr, "data must hold one of state, obs, keypoint, got action, reward"),
    "lerobot of another version": (_info(codebase_version="v1.6"), "codebase_version must be v2 or v3, got v1.6"),
    "lerobot without state": (_info(features={"action": {}}), "the features must hold 'observation.state', got action"),
    "lerobot in part": (_info(total_frames=30), "must hold 30 frames as meta/info.json says, got 20"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path, case: str) -> None:
    make, reason = BAD[case]
    assert reason in refused(make(tmp_path))


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


def test_minari_loads_what_we_write(tmp_path: Path, minari_root: Path) -> None:
    import minari as library

    expected = written.small()
    minari.write(minari_root / "ours-v3", expected)
    dataset = library.load_dataset("ours-v3")
    assert (dataset.total_episodes, dataset.total_steps) == (len(expected), len(expected.actions))
    assert dataset.env_spec.id == "Pendulum-v1"
    assert dataset.action_space.high.tolist() == [1e3, 1e3]
    for number, episode in enumerate(dataset.iterate_episodes()):
        steps = slice(expected.starts[number], expected.ends[number])
        assert np.array_equal(episode.actions, expected.actions[steps])
        assert np.array_equal(episode.rewards, expected.rewards[steps])
        assert np.array_equal(episode.observations[:-1], expected.observations[steps])
        assert episode.truncations.tolist() == [False] * (len(episode.actions) - 1) + [True]


@pytest.mark.parametrize("rewards", [True, False])
@pytest.mark.parametrize("name", ["ours-v0", "ours.hdf5"])
def test_what_we_write_for_minari_comes_back_whole(tmp_path: Path, name: str, rewards: bool) -> None:
    expected = written.small(rewards=rewards)
    for _ in range(2):  # The second replaces the first.
        minari.write(tmp_path / name, expected)
        found = formats.read(tmp_path / name)
        assert same(found, expected)
        assert (found.rewards is not None) == rewards
        assert found.environment == expected.environment
        assert expected.spec.items() <= found.spec.items()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_minari_knows_our_own_environments_too(tmp_path: Path, minari_root: Path) -> None:
    import minari as library

    ours = replace(written.small(), environment="becalm/Fork-v0")
    minari.write(minari_root / "fork-v0", ours)
    assert library.load_dataset("fork-v0").recover_environment().spec.id == "becalm/Fork-v0"
    strange = replace(ours, environment="nobody/Knows-v7")
    minari.write(minari_root / "strange-v0", strange)
    assert library.load_dataset("strange-v0").env_spec.id == "nobody/Knows-v7"


def test_minari_is_never_written_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine-v0").mkdir()
    (tmp_path / "mine-v0" / "thesis.txt").write_text("years of work")
    for name in ("mine-v0", "no version"):
        with pytest.raises(UserError, match=SENTENCE):
            minari.write(tmp_path / name, written.small())
    assert [path.name for path in tmp_path.rglob("*")] == ["mine-v0", "thesis.txt"]


def test_the_file_of_a_minari_dataset_holds_the_same_as_its_folder(tmp_path: Path) -> None:
    folder = written.minari(tmp_path, written.small())
    for place in (folder / "data", folder / "data" / "main_data.hdf5"):
        assert same(formats.read(place), formats.read(folder))


def test_dict_observations_stand_side_by_side_in_order_of_key(tmp_path: Path) -> None:
    found = formats.read(written.minari(tmp_path, written.small()))
    assert found.spec["observation"] == ["a[0]", "a[1]", "a[2]", "a[3]", "z"]


def test_images_are_left_out_and_the_spec_says_so(tmp_path: Path) -> None:
    assert formats.read(written.robomimic(tmp_path, written.small())).spec["left_out"] == ["agentview_image"]
    assert formats.read(written.lerobot_v3(tmp_path, written.small())).spec["left_out"] == ["observation.image"]


def test_episodes_come_in_order_of_number_not_of_name(tmp_path: Path) -> None:
    steps = np.arange(12.0)[:, None]
    expected = Episodes(steps, steps, np.arange(1, 13))
    for name in ("robomimic", "minari before 0.5", "lerobot v2"):
        write = written.FORMATS[name]
        if name == "lerobot v2":
            expected = Episodes(np.repeat(steps, 3, 1), steps, np.arange(1, 13))
        elif name == "robomimic":
            expected = Episodes(np.repeat(steps, 4, 1), steps, np.arange(1, 13))
        assert same(formats.read(write(tmp_path, expected)), expected)
