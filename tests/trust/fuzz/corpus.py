"""Small valid files of each kind, which changes begin from."""

import bz2
import gzip
import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow
import pyarrow.parquet
import torch
import zarr
from PIL import Image

from becalm.files.checkpoint import Checkpoint
from becalm.objective import Objective
from becalm.provenance import Record, stamp
from becalm.schedule import Schedule
from becalm.train import begin
from becalm.train.resume import save
from becalm.train.settings import Training
from becalm_images.data import idx
from becalm_images.domain import Images
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.domain import Policies
from becalm_programs.domain import IntegerPrograms

_LP = b"""\\ a small program
maximize
 obj: 3 x + 2 y - 4.5 z + 7
subject to
 c1: x + y <= 4
 r2: 1 <= x + 3 z <= 6
 c3: x - y >= -2
bounds
 0 <= x <= 3
 y <= 5
 z free
general
 x y
end
"""
_MPS = b"""NAME small FREE
OBJSENSE
    MAX
ROWS
 N obj
 L c1
 G c2
 E c3
COLUMNS
 MARKER 'MARKER' 'INTORG'
 x obj 3 c1 1
 x c3 1
 y obj 2 c1 1
 y c2 1
 MARKER 'MARKER' 'INTEND'
 z obj -4.5 c3 3
RHS
 RHS c1 4 c2 -2
 RHS c3 6
RANGES
 RNG c1 2.5
BOUNDS
 UP BND x 3
 UP BND y 5
 FR BND z
ENDATA
"""
_TOML = b"""rate = 1e-3
steps = 100
[schedule]
kind = "linear"
last = 0.02
[settings.architecture]
widths = [16, 32]
blocks = 1
name.of.it = 'x'
when = 2020-01-01T00:00:00Z
list = [{a = 1}, {b = "two"}]
"""

_ENDS = (("low", 0.0), ("high", 1.0))


def build(folder: Path) -> None:
    """Writes a folder of valid files for each door, named as the door."""
    for make in (_checkpoints, _arrays, _pictures, _demonstrations, _models, _results):
        make(folder)


def _place(folder: Path, door: str, name: str) -> Path:
    place = folder / door / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _checkpoints(folder: Path) -> None:
    data = folder / "data"
    data.mkdir(parents=True)
    random = np.random.default_rng(0)
    for split in ("train", "t10k"):
        idx.write(data / f"{split}-images-idx3-ubyte.gz", random.integers(0, 256, (6, 4, 4), np.uint8))
        idx.write(data / f"{split}-labels-idx1-ubyte.gz", np.arange(6, dtype=np.uint8) % 2)
    low, high = ({f"{what}_{end}": [value] * 2 for what in ("feature", "observation")} for end, value in _ENDS)
    chunks = {"action_shift": [[0.0]] * 4, "action_scale": [[1.0]] * 4, "examples": [[[0.5, 0.5]] * 2]}
    statistics = {**low, **high, **chunks}
    architecture = {"kind": "mlp", "width": 8, "blocks": 1}
    policy = Policies(
        architecture=architecture, observation_size=2, action_size=1, horizon=4, execute=2, statistics=statistics
    )
    small = {"kind": "unet", "widths": [4], "blocks": 1, "groups": 2, "heads": 1, "fold": 2}
    images = Images(data=str(data), architecture=small, height=4, width=4, classes=2)
    training = Training(steps=4, precision="fp32")
    for name, domain in (("policies", policy), ("programs", IntegerPrograms(width=4, rounds=1)), ("images", images)):
        domain = domain.model_copy(update={"data": None}) if name == "programs" else domain
        objective = Objective.model_validate({"kind": "cross_entropy"} if name == "programs" else {"drop": 0.0})
        kept: dict[str, torch.Tensor] = {}
        for part, module in (("network", domain.network()), ("codec", domain.codec())):
            if isinstance(module, torch.nn.Module):
                kept |= {f"{part}.{key}": value for key, value in module.state_dict().items()}
        sections = {"settings": domain, "schedule": Schedule.model_validate("cosine"), "objective": objective}
        config = {key: section.model_dump(mode="json") for key, section in sections.items()}
        for door in ("checkpoint, bytes", "checkpoint, configuration"):
            Checkpoint(kept, {"domain": name, **config}).write(_place(folder, door, f"{name}.safetensors"))
    state = begin(images, Schedule.model_validate("cosine"), Objective(drop=0.0), training, torch.device("cpu"))
    place = _place(folder, "resume state", "a.safetensors")
    save(state, place)
    place.unlink()


def _arrays(folder: Path) -> None:
    for name, shape in (("three", (5, 4, 4)), ("one", (9,))):
        held = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
        idx.write(_place(folder, "idx", f"{name}.gz"), held)
        _place(folder, "idx", name).write_bytes(gzip.decompress(_place(folder, "idx", f"{name}.gz").read_bytes()))
    episodes = _episodes()
    episodes.write(_place(folder, "npz", "store.npz"))
    table = episodes.observations.astype(np.float32)
    np.savez(_place(folder, "npz", "pusht.npz"), state=table, action=table, episode_ends=episodes.ends)
    solutions = {"x": np.ones((2, 3), np.int8), "objective": np.ones(2), "max_violation": np.zeros(2)}
    np.savez_compressed(_place(folder, "npz", "labels.npz"), names=np.array(["x", "y", "z"]), **solutions)


def _episodes() -> Episodes:
    random = np.random.default_rng(0)
    spec = {"observation": ["a", "b"], "source": "made up"}
    rows = random.normal(size=(7, 2))
    return Episodes(rows, rows[:, :1], np.array([3, 7]), rows[:, 1], "Pendulum-v1", spec)


def _pictures(folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 4), np.uint8)
    colour = Image.fromarray(pixels[..., :3])
    modes = {
        "rgb": colour, "rgba": Image.fromarray(pixels), "grey": colour.convert("L"), "palette": colour.convert("P"),
        "one": colour.convert("1"), "deep": Image.fromarray(pixels[..., 0].astype(np.uint16) * 256),
    }  # fmt: skip
    for name, picture in modes.items():
        picture.save(_place(folder, "PNG", f"{name}.png"))
    colour.save(_place(folder, "PNG", "film.png"), save_all=True, append_images=[colour.rotate(90, expand=False)])
    for ending in ("gif", "jpg", "webp", "tiff", "bmp", "ppm", "tga", "ico", "jp2", "psd", "dds"):
        try:
            colour.save(_place(folder, "other pictures", f"a.{ending}"))
        except (ValueError, OSError, KeyError):  # What Pillow cannot write, here or anywhere.
            _place(folder, "other pictures", f"a.{ending}").unlink(missing_ok=True)


def _demonstrations(folder: Path) -> None:
    episodes = _episodes()
    with h5py.File(_place(folder, "HDF5", "robomimic.hdf5"), "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps({"env_name": "Pendulum-v1", "type": 2})
        for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
            demo = data.create_group(f"demo_{number}")
            demo["obs/state"] = episodes.observations[start:end]
            demo.create_dataset("actions", data=episodes.actions[start:end], compression="gzip", shuffle=True)
            demo["rewards"] = episodes.rewards[start:end]
    with h5py.File(_place(folder, "HDF5", "minari.hdf5"), "w", libver="latest") as file:
        file.attrs["dataset_id"], file.attrs["total_episodes"] = "small-v0", 2
        for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
            group = file.create_group(f"episode_{number}")
            group["observations"] = episodes.observations[[*range(start, end), end - 1]]
            group["actions"] = episodes.actions[start:end]
    for version, codecs in ((2, "blosc"), (2, "gzip"), (3, "zstd"), (3, "shards")):
        _zarr(_place(folder, "zarr", f"{codecs}{version}.zarr.zip"), episodes, version, codecs)
    _lerobot(_place(folder, "parquet", "small"), episodes)


def _zarr(path: Path, episodes: Episodes, version: int, codecs: str) -> None:
    import numcodecs
    from zarr.codecs import ZstdCodec

    packers = {"blosc": numcodecs.Blosc("lz4"), "gzip": numcodecs.GZip(1)}
    packer = packers.get(codecs, ZstdCodec() if version == 3 else None)
    store = zarr.storage.ZipStore(str(path), mode="w")
    root = zarr.open_group(store, mode="w", zarr_format=version)
    data, meta = root.create_group("data"), root.create_group("meta")
    for name, values in (("state", episodes.observations), ("action", episodes.actions)):
        wide = {"shards": (8, values.shape[1])} if codecs == "shards" else {}
        made = data.create_array(
            name, shape=values.shape, dtype="float32", chunks=(4, values.shape[1]), compressors=packer, **wide
        )
        made[...] = values
    ends = meta.create_array("episode_ends", shape=(2,), dtype="int64", chunks=(2,), compressors=None)
    ends[...] = episodes.ends
    store.close()


def _lerobot(path: Path, episodes: Episodes) -> None:
    for inner in ("meta", "data/chunk-000"):
        (path / inner).mkdir(parents=True)
    names = {"observation.state": {"names": ["a", "b"]}, "action": {"names": None}}
    info = {"codebase_version": "v2.1", "features": names, "total_episodes": 2, "total_frames": 7}
    (path / "meta/info.json").write_text(json.dumps(info))
    number = np.repeat([0, 1], episodes.lengths)
    columns = {
        "observation.state": episodes.observations.tolist(), "action": episodes.actions.tolist(),
        "episode_index": number, "frame_index": np.arange(7) - episodes.starts[number],
    }  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.table(columns), path / "data/chunk-000/all.parquet")


def _models(folder: Path) -> None:
    for door, text in (("LP", _LP), ("MPS", _MPS)):
        ending = door.lower()
        _place(folder, door, f"a.{ending}").write_bytes(text)
        _place(folder, door, f"b.{ending}.gz").write_bytes(gzip.compress(text, mtime=0))
        _place(folder, door, f"c.{ending}.bz2").write_bytes(bz2.compress(text))
    _place(folder, "TOML", "a.toml").write_bytes(_TOML)
    settings = {"settings": {"architecture": {"widths": [16, 32], "blocks": 1}}, "training": {"rate": 1e-3}, "x": None}
    _place(folder, "JSON", "a.json").write_text(json.dumps(settings))


def _results(folder: Path) -> None:
    made = Record("images sample", {"count": 4, "sampler": {"kind": "ddim"}}, versions={"becalm": "0.2.0"})
    plain = {
        "a.png": folder / "PNG/rgb.png", "a.gif": folder / "other pictures/a.gif", "a.npz": folder / "npz/labels.npz",
        "a.json": folder / "JSON/a.json", "a.mps": folder / "MPS/a.mps", "a.mps.gz": folder / "MPS/b.mps.gz",
    }  # fmt: skip
    texts = {"a.csv": b"a,b\n1,2\n", "a.sol": b"=obj= 3\nx 1\ny 0\n", "a.mst": b"Stopped\n 0 x 1 0\n"}
    for name, content in {**{key: path.read_bytes() for key, path in plain.items()}, **texts}.items():
        _place(folder, "results", name).write_bytes(stamp(content, name, made))
