"""A file that holds no demonstrations, or ones that do not fit together, is refused in one sentence that names it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import written
from reading import refused

from becalm_policies.demonstrations.episodes import Episodes

_RATE = '{"env_kwargs": {"control_freq": "a"}}'


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
        "must hold 'action', or what --action-key names, got episode_ends, state",
    ),
    "strings": (
        _rewrite(lambda arrays: arrays.update(action=np.full((20, 2), "x"))),
        "action must hold numbers, got <U1",
    ),
    "lengths differ": (
        _rewrite(lambda arrays: arrays.update(action=np.zeros((19, 2)))),
        "got state and action of 20 and 19 steps",
    ),
    "ends beyond": (
        _rewrite(lambda arrays: arrays.update(episode_ends=np.array([3, 99]))),
        "finish at the number of steps",
    ),
    "ends fall": (_rewrite(lambda arrays: arrays.update(episode_ends=np.array([9, 4, 20]))), "must ascend"),
    "ends are real": (_rewrite(lambda arrays: arrays.update(episode_ends=np.array([4.5, 20]))), "whole numbers"),
    "no episodes": (_rewrite(lambda arrays: arrays.update(episode_ends=np.zeros(0, int))), "at least one episode"),
    "robomimic without obs": (
        _hdf5(written.robomimic, _replace("data/demo_1/obs", None)),
        "data/demo_1 must hold 'obs', got actions, dones, next_obs, rewards",
    ),
    "robomimic lengths": (
        _hdf5(written.robomimic, _replace("data/demo_1/actions", np.zeros((3, 2)))),
        "data/demo_1 must have one observation per action, got 4 and 3",
    ),
    "robomimic ends": (
        _hdf5(written.robomimic, _replace("data/demo_1/dones", np.zeros(3))),
        "data/demo_1/dones must have one number per action, got 3 and 4",
    ),
    "robomimic rate": (
        _hdf5(
            written.robomimic, lambda file: file["data"].attrs.update(env_args='{"env_kwargs":{"control_freq":"a"}}')
        ),
        "the control rate must be a number of Hz, got 'a'",
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
        "must hold data/demo_N (robomimic), episode_N (Minari), or observations and actions (D4RL, ALOHA), got things",
    ),
    "zarr in part": (_partial_zarr, "data/state must have all its 3 chunks, got 2"),
    "zarr of others": (
        _unknown_zarr,
        "data must hold one of state, obs, observations, "
        "observation, keypoint, or what --observe.keys names, got action, episode_ends, reward",
    ),
    "lerobot of another version": (_info(codebase_version="v1.6"), "codebase_version must be v2 or v3, got v1.6"),
    "lerobot without state": (
        _info(features={"action": {}}),
        "must hold 'observation.state' or another vector that is observed, got action",
    ),
    "lerobot in part": (_info(total_frames=30), "must hold 30 frames as meta/info.json says, got 20"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path, case: str) -> None:
    make, reason = BAD[case]
    assert reason in refused(make(tmp_path))
