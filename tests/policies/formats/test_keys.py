"""Arrays are read by the names that they have in a file, by the same words in every format."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import written
import zarr

from becalm import UserError
from becalm_policies import formats
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats.tables import Selection

STEPS, ENDS = 30, [10, 30]
RNG = np.random.default_rng(0)
TABLES = {
    "pose": RNG.normal(size=(STEPS, 3)),
    "joint": RNG.normal(size=(STEPS, 2, 2)),
    "command": RNG.normal(size=(STEPS, 2)),
    "grip": RNG.normal(size=STEPS),
    "camera": np.zeros((STEPS, 4, 4, 3), np.uint8),
}
Write = Callable[[Path, dict[str, np.ndarray]], Path]


def as_zarr(folder: Path, tables: dict[str, np.ndarray]) -> Path:
    root = zarr.open_group(str(folder / "arm.zarr"), mode="w", zarr_format=2)
    data, meta = root.create_group("data"), root.create_group("meta")
    for name, values in {**tables, "timestamp": np.arange(STEPS) / 10}.items():
        data.create_array(name, data=values)
    meta.create_array("episode_ends", data=np.array(ENDS))
    return folder / "arm.zarr"


def as_npz(folder: Path, tables: dict[str, np.ndarray]) -> Path:
    np.savez(folder / "arm.npz", **tables, episode_ends=np.array(ENDS))
    return folder / "arm.npz"


def as_d4rl(folder: Path, tables: dict[str, np.ndarray]) -> Path:
    over, cut = np.zeros((2, STEPS), bool)
    over[ENDS[0] - 1], cut[ENDS[1] - 1] = True, True
    with h5py.File(folder / "arm.hdf5", "w") as file:
        for name, values in {**tables, "terminals": over, "timeouts": cut}.items():
            file[name] = values
    return folder / "arm.hdf5"


def as_aloha(folder: Path, tables: dict[str, np.ndarray]) -> Path:
    (folder / "arm").mkdir()
    for number, (start, end) in enumerate(zip([0, *ENDS], ENDS, strict=False)):
        with h5py.File(folder / "arm" / f"episode_{number}.hdf5", "w") as file:
            for name, values in tables.items():
                place = name if name in ("command", "grip", "action") else f"observations/{name}"
                file[place] = values[start:end]
    return folder / "arm"


def as_robomimic(folder: Path, tables: dict[str, np.ndarray]) -> Path:
    with h5py.File(folder / "arm.hdf5", "w") as file:
        for number, (start, end) in enumerate(zip([0, *ENDS], ENDS, strict=False)):
            for name, values in tables.items():
                place = name if name in ("command", "grip", "actions") else f"obs/{name}"
                file[f"data/demo_{number}/{place}"] = values[start:end]
    return folder / "arm.hdf5"


def as_minari(folder: Path, tables: dict[str, np.ndarray]) -> Path:
    with h5py.File(folder / "arm.hdf5", "w") as file:
        for number, (start, end) in enumerate(zip([0, *ENDS], ENDS, strict=False)):
            for name, values in tables.items():
                acting = name in ("command", "grip", "actions")
                some = values[start:end] if acting else values[[*range(start, end), end - 1]]
                file[f"episode_{number}/{name if acting else f'observations/{name}'}"] = some
    return folder / "arm.hdf5"


WRITE: dict[str, Write] = {
    "zarr": as_zarr,
    "npz": as_npz,
    "d4rl": as_d4rl,
    "aloha": as_aloha,
    "robomimic": as_robomimic,
    "minari": as_minari,
}


@pytest.mark.parametrize("kind", WRITE)
def test_what_is_named_is_read_in_that_order(tmp_path: Path, kind: str) -> None:
    found = formats.read(WRITE[kind](tmp_path, TABLES), Selection(("pose", "joint"), ("command", "grip")))
    assert np.array_equal(found.observations, np.hstack([TABLES["pose"], TABLES["joint"].reshape(STEPS, 4)]))
    assert np.array_equal(found.actions, np.column_stack([TABLES["command"], TABLES["grip"]]))
    assert found.ends.tolist() == ENDS
    assert found.spec["keys"] == {"pose": 3, "joint": 4} and found.spec["action_keys"] == {"command": 2, "grip": 1}
    assert found.spec["observation"][2:4] == ["pose[2]", "joint[0]"] and found.spec["action"][2] == "grip"
    assert (found.terminated is not None) == (kind == "d4rl")


@pytest.mark.parametrize("kind", ["zarr", "npz", "minari"])
def test_a_key_that_names_no_vector_is_refused(tmp_path: Path, kind: str) -> None:
    path = WRITE[kind](tmp_path, TABLES)
    for key, sentence in (
        ("joynt", "must hold 'joynt', as --observe.keys asks, got .*; did you mean 'joint'?"),
        ("camera", "camera must hold a vector of numbers for each step, got a picture "),
        ("pose", "--observe.keys must name an array once, got '.*pose' twice"),
    ):
        with pytest.raises(UserError, match=sentence):
            formats.read(path, Selection(("pose", key), ("command",)))


@pytest.mark.parametrize("kind", WRITE)
def test_without_keys_all_vectors_are_observed_and_pictures_are_left_out(tmp_path: Path, kind: str) -> None:
    usual = "action" if kind in ("zarr", "npz", "aloha") else "actions"
    tables = {"joint": TABLES["joint"], "pose": TABLES["pose"], "camera": TABLES["camera"]}
    found = formats.read(WRITE[kind](tmp_path, {**tables, usual: TABLES["command"]}))
    assert found.spec["keys"] == {"joint": 4, "pose": 3} and found.observations.shape == (STEPS, 7)
    assert "camera" in "".join(found.spec["left_out"])
    assert np.array_equal(found.actions, TABLES["command"])


def test_a_policy_of_aloha_sees_the_joints_as_its_paper_does(tmp_path: Path) -> None:
    tables = {"qpos": TABLES["pose"], "qvel": TABLES["pose"] + 1, "action": TABLES["command"]}
    found = formats.read(as_aloha(tmp_path, tables))
    assert np.array_equal(found.observations, TABLES["pose"]) and found.spec["left_out"] == ["observations/qvel"]


def test_a_store_is_read_by_the_arrays_that_it_came_from(tmp_path: Path) -> None:
    whole = formats.read(as_d4rl(tmp_path, TABLES), Selection(("pose", "joint"), ("command", "grip")))
    spec = {**whole.spec, "action_low": [-1, -2, -3], "action_high": [1, 2, 3]}
    Episodes(whole.observations, whole.actions, whole.ends, spec=spec).write(tmp_path / "kept.npz")
    found = formats.read(tmp_path / "kept.npz", Selection(("joint", "pose[1]"), ("grip",)))
    assert np.array_equal(found.observations, whole.observations[:, [3, 4, 5, 6, 1]])
    assert found.spec["action_high"] == [3] and found.names("action") == ["grip"]
    assert found.names("observation")[-1] == "pose[1]"
    again = formats.read(tmp_path / "kept.npz", Selection(("observations",), ("actions",)))
    assert np.array_equal(again.observations, whole.observations) and np.array_equal(again.actions, whole.actions)
    for selection in (Selection(("command",)), Selection(("pose", "pose[0]")), Selection((), (), "train")):
        with pytest.raises(UserError, match="must hold|must name an entry once|names no part"):
            formats.read(tmp_path / "kept.npz", selection)


@pytest.mark.parametrize("write", [written.lerobot_v2, written.lerobot_v3])
def test_the_features_of_lerobot_are_named_in_full_or_in_short(tmp_path: Path, write: Any) -> None:
    path, expected = write(tmp_path, written.small()), written.small()
    found = formats.read(path, Selection(("environment_state", "observation.state")))
    assert np.array_equal(found.observations, expected.observations[:, [2, 3, 4, 0, 1]])
    assert list(found.spec["keys"]) == ["observation.environment_state", "observation.state"]
    only = formats.read(path, Selection(("environment_state",), ("observation.state",)))
    assert np.array_equal(only.actions, expected.observations[:, :2])
    with pytest.raises(UserError, match=r"'velocity', as --observe.keys asks, got action"):
        formats.read(path, Selection(("velocity",)))
    with pytest.raises(UserError, match=r"observation.image must be a vector of numbers, .* got video"):
        formats.read(path, Selection(("image",)))


def test_episodes_end_where_either_mark_stands_and_the_rest_is_an_episode(tmp_path: Path) -> None:
    over, cut = np.zeros(8), np.zeros((8, 1))
    over[2], cut[5] = 1, 1
    rows = np.arange(16.0).reshape(8, 2)
    np.savez(
        tmp_path / "a.npz", observations=rows, actions=rows, terminals=over, timeouts=cut, next_observations=rows + 1
    )
    found = formats.read(tmp_path / "a.npz")
    assert found.ends.tolist() == [3, 6, 8]
    assert found.terminated is not None and found.terminated.tolist() == [True, False, False]
    assert found.last is not None and np.array_equal(found.last, rows[[2, 5, 7]] + 1)
    np.savez(tmp_path / "b.npz", observations=rows, actions=rows)
    with pytest.raises(UserError, match="must say where episodes end, by episode_ends, terminals or timeouts"):
        formats.read(tmp_path / "b.npz")


def test_push_t_is_known_by_its_values_and_nothing_else_is_taken_for_it(tmp_path: Path) -> None:
    push = Episodes.read(Path(__file__).parents[2] / "fixtures" / "policies" / "pusht.npz")
    rng = np.random.default_rng(0)
    scaled = push.observations[:, :5] / [512, 512, 512, 512, 7]
    arm, pixels = rng.normal(size=push.observations.shape), rng.uniform(0, 6, push.observations.shape)
    wide = np.column_stack([rng.uniform(0, 512, (len(arm), 4)), rng.uniform(0, 6, len(arm))])
    for state, action in (
        (arm, arm[:, :2]),
        (pixels, pixels[:, :2]),
        (wide, wide[:, 2:4]),
        (scaled, push.actions / 512),
    ):
        np.savez(tmp_path / "a.npz", state=state, action=action, episode_ends=push.ends)
        assert formats.read(tmp_path / "a.npz").environment == ""
    found = formats.read(written.pusht(tmp_path, push))
    assert found.environment == "gym_pusht/PushT-v0" and found.spec["action_high"] == [512, 512] and found.rate == 10


def test_masks_choose_episodes_of_robomimic_and_splits_those_of_lerobot(tmp_path: Path) -> None:
    path, expected = written.robomimic(tmp_path, written.small()), written.small()
    with h5py.File(path, "r+") as file:
        file["mask/train"] = np.array([b"demo_2", b"demo_0"])
        file["mask/valid"] = np.array([b"demo_1"])
        file["mask/odd"] = np.array([b"demo_7"])
    assert formats.read(path).spec["subsets"] == {"odd": 1, "train": 2, "valid": 1}
    for subset, numbers in (("train", [0, 2]), ("valid", [1])):
        found = formats.read(path, Selection(subset=subset))
        assert np.array_equal(found.actions, expected.take(numbers).actions)
    with pytest.raises(UserError, match="names no part 'trian' .* named are odd, train, valid; did you mean 'train'"):
        formats.read(path, Selection(subset="trian"))
    with pytest.raises(UserError, match="mask/odd names 'demo_7', which is not in data"):
        formats.read(path, Selection(subset="odd"))
    with pytest.raises(UserError, match="it names none"):
        formats.read(as_zarr(tmp_path, {**TABLES, "action": TABLES["command"]}), Selection(subset="train"))
