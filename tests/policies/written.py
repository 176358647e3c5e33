"""Small demonstrations written in each format, by the library that the format comes from where there is one."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numcodecs
import numpy as np
import pyarrow
import pyarrow.parquet
import zarr

from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.observe import keypoints

LENGTHS = (7, 4, 9)


def small(seed: int = 0, rewards: bool = True) -> Episodes:
    """Three episodes of observations (5) and actions (2) that float32 can hold."""
    rng = np.random.default_rng(seed)
    steps = sum(LENGTHS)
    observations, actions = (rng.normal(100, 30, (steps, size)).astype(np.float32) for size in (5, 2))
    earned = rng.normal(size=steps).astype(np.float32).astype(np.float64) if rewards else None
    spec = {"action_low": [-1e3, -1e3], "action_high": [1e3, 1e3], "source": "made up"}
    seen, done, ends = observations.astype(np.float64), actions.astype(np.float64), np.cumsum(LENGTHS)
    over, last = np.array([True, False, True]), seen[ends - 1] + 1
    return Episodes(seen, done, ends, earned, "Pendulum-v1", spec, over, last)


def _seen_after(episodes: Episodes, number: int) -> np.ndarray:
    """The observation after an episode's last action, (1, D); one is made up if there is none."""
    if episodes.last is None:
        return episodes.observations[episodes.ends[number] - 1][None]
    return episodes.last[number][None]


def _over(episodes: Episodes, number: int) -> np.ndarray:
    """Whether the environment ends the episode, step by step."""
    over = np.zeros(episodes.lengths[number], dtype=bool)
    over[-1] = episodes.terminated is not None and episodes.terminated[number]
    return over


def store(folder: Path, episodes: Episodes) -> Path:
    path = folder / "store.npz"
    episodes.write(path)
    return path


def pusht(folder: Path, episodes: Episodes) -> Path:
    path = folder / "pusht_state.npz"
    state, action = episodes.observations.astype(np.float32), episodes.actions.astype(np.float32)
    np.savez_compressed(path, state=state, action=action, episode_ends=episodes.ends)
    return path


def minari(folder: Path, episodes: Episodes) -> Path:
    """With Minari's own writer, which wants the folder in MINARI_DATASETS_PATH; observations are a Dict of Boxes."""
    import minari as library
    from gymnasium import spaces
    from minari.data_collector import EpisodeBuffer

    buffers = []
    for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
        seen = np.concatenate([episodes.observations[start:end], _seen_after(episodes, number)])
        over, at_end = _over(episodes, number), np.arange(end - start) == end - start - 1
        rewards = episodes.rewards[start:end] if episodes.rewards is not None else at_end * 0.0
        buffers.append(
            EpisodeBuffer(
                observations={"z": seen[:, 4:], "a": seen[:, :4].reshape(-1, 2, 2)},
                actions=episodes.actions[start:end],
                rewards=list(rewards),
                terminations=list(over),
                truncations=list(at_end & ~over),
            )
        )
    box = {"z": spaces.Box(-np.inf, np.inf, (1,)), "a": spaces.Box(-np.inf, np.inf, (2, 2))}
    dataset = library.create_dataset_from_buffers(
        "small-v0",
        buffers,
        env="Pendulum-v1",
        observation_space=spaces.Dict(box),
        action_space=spaces.Box(-1e3, 1e3, (2,)),
    )
    return Path(dataset.storage.data_path).parent


def old_minari(folder: Path, episodes: Episodes) -> Path:
    """The layout before 0.5: metadata in the attributes of the file."""
    path = folder / "main_data.hdf5"
    space = {"type": "Box", "dtype": "float32", "shape": [2], "low": [-1e3, -1e3], "high": [1e3, 1e3]}
    with h5py.File(path, "w") as file:
        file.attrs["dataset_id"] = "small-v0"
        file.attrs["env_spec"] = json.dumps({"id": "Pendulum-v1", "entry_point": None})
        file.attrs["action_space"] = json.dumps(space)
        file.attrs["total_episodes"] = len(episodes)
        for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
            group = file.create_group(f"episode_{number}")
            seen = episodes.observations[start:end]
            group["observations"] = np.concatenate([seen, _seen_after(episodes, number)])
            group["actions"] = episodes.actions[start:end]
            group["terminations"] = _over(episodes, number)
            if episodes.rewards is not None:
                group["rewards"] = episodes.rewards[start:end]
    return path


def robomimic(folder: Path, episodes: Episodes) -> Path:
    path = folder / "low_dim.hdf5"
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps({"env_name": "Pendulum-v1", "type": 2, "env_kwargs": {"control_freq": 20}})
        for number in range(len(episodes)):
            start, end = episodes.starts[number], episodes.ends[number]
            demo = data.create_group(f"demo_{number}")
            demo["obs/eef_pos"] = episodes.observations[start:end, :3]
            demo["obs/object"] = episodes.observations[start:end, 3:]
            demo["obs/agentview_image"] = np.zeros((end - start, 4, 4, 3), np.uint8)
            after = np.concatenate([episodes.observations[start + 1 : end], _seen_after(episodes, number)])
            demo["next_obs/eef_pos"], demo["next_obs/object"] = after[:, :3], after[:, 3:]
            demo["dones"] = _over(episodes, number).astype(np.int64)
            demo["actions"] = episodes.actions[start:end]
            if episodes.rewards is not None:
                demo["rewards"] = episodes.rewards[start:end]
    return path


def _group(root: zarr.Group, episodes: Episodes, compressor: object) -> None:
    data, meta = root.create_group("data"), root.create_group("meta")
    state = episodes.observations.astype(np.float32)
    arrays = {"state": state, "action": episodes.actions.astype(np.float32)}
    if episodes.rewards is not None:
        arrays["reward"] = episodes.rewards.astype(np.float32)
    arrays["keypoint"] = keypoints(state[:, 2:4], state[:, 4]).reshape(-1, 9, 2).astype(np.float32)
    for name, values in arrays.items():
        chunks = (8, *values.shape[1:])
        made = data.create_array(name, shape=values.shape, dtype=values.dtype, chunks=chunks, compressors=compressor)
        made[...] = values
    ends = meta.create_array("episode_ends", shape=(len(episodes),), dtype=np.int64, chunks=(2,), compressors=None)
    ends[...] = episodes.ends


BLOSC = numcodecs.Blosc("zstd")


def zarr_folder(folder: Path, episodes: Episodes, compressor: object = BLOSC) -> Path:
    path = folder / "small.zarr"
    _group(zarr.open_group(str(path), mode="w", zarr_format=2), episodes, compressor)
    return path


def zarr_zip(folder: Path, episodes: Episodes, inside: str = "pusht/pusht_cchi_v7_replay.zarr") -> Path:
    path = folder / "small.zarr.zip"
    opened = zarr.storage.ZipStore(str(path), mode="w")
    _group(zarr.open_group(opened, path=inside, mode="w", zarr_format=2), episodes, BLOSC)
    opened.close()
    return path


def _rows(episodes: Episodes, numbers: list[int]) -> pyarrow.Table:
    steps = np.concatenate([np.arange(episodes.starts[n], episodes.ends[n]) for n in numbers])
    lengths = [int(episodes.lengths[n]) for n in numbers]
    columns = {
        "observation.state": list(episodes.observations[steps, :2].astype(np.float32)),
        "observation.environment_state": list(episodes.observations[steps, 2:].astype(np.float32)),
        "action": list(episodes.actions[steps].astype(np.float32)),
        "episode_index": np.repeat(numbers, lengths),
        "frame_index": np.concatenate([np.arange(length) for length in lengths]),
        "index": steps,
    }
    if episodes.rewards is not None:
        columns["next.reward"] = episodes.rewards[steps].astype(np.float32)
    return pyarrow.table(columns)


def _info(path: Path, episodes: Episodes, version: str, data_path: str) -> None:
    features: dict[str, object] = {
        "observation.image": {"dtype": "video", "shape": [96, 96, 3]},
        "observation.state": {"dtype": "float32", "shape": [2], "names": {"motors": ["left", "right"]}},
        "observation.environment_state": {"dtype": "float32", "shape": [3], "names": ["keypoints"]},
        "action": {"dtype": "float32", "shape": [2], "names": None},
    }
    if episodes.rewards is not None:
        features["next.reward"] = {"dtype": "float32", "shape": [1], "names": None}
    info = {
        "codebase_version": version,
        "robot_type": "2d pointer",
        "fps": 20,
        "total_episodes": len(episodes),
        "total_frames": len(episodes.actions),
        "data_path": data_path,
        "features": features,
    }
    (path / "meta").mkdir(parents=True)
    (path / "meta" / "info.json").write_text(json.dumps(info))


def lerobot_v2(folder: Path, episodes: Episodes) -> Path:
    path = folder / "lerobot2"
    name = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
    _info(path, episodes, "v2.1", name)
    for number in range(len(episodes)):
        file = path / name.format(episode_chunk=0, episode_index=number)
        file.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(_rows(episodes, [number]), file)
    return path


def lerobot_v3(folder: Path, episodes: Episodes) -> Path:
    """Two episodes in the first file, one in the second, which stands before it in order of writing."""
    path = folder / "lerobot3"
    name = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
    _info(path, episodes, "v3.0", name)
    (path / "data" / "chunk-000").mkdir(parents=True)
    for number, inside in enumerate(([0, 1], [2])):
        rows = _rows(episodes, inside)
        fixed = pyarrow.FixedSizeListArray.from_arrays(rows["action"].combine_chunks().flatten(), 2)
        rows = rows.set_column(rows.column_names.index("action"), "action", fixed)
        pyarrow.parquet.write_table(rows, path / name.format(chunk_index=0, file_index=number))
    meta = pyarrow.table({"episode_index": [0, 1, 2], "length": episodes.lengths, "data/file_index": [0, 0, 1]})
    (path / "meta" / "episodes" / "chunk-000").mkdir(parents=True)
    pyarrow.parquet.write_table(meta, path / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    return path


FORMATS: dict[str, Callable[[Path, Episodes], Path]] = {
    "store": store,
    "pusht": pusht,
    "minari": minari,
    "minari before 0.5": old_minari,
    "robomimic": robomimic,
    "zarr": zarr_folder,
    "zarr.zip": zarr_zip,
    "lerobot v2": lerobot_v2,
    "lerobot v3": lerobot_v3,
}
