"""A zarr is decoded by compressors alone, whatever codecs are installed and wherever its metadata name one."""

import gzip
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numcodecs
import numcodecs.abc
import numcodecs.registry
import pytest
import zarr
from reading import refused, same
from written import BLOSC, small, zarr_folder

from becalm_policies import formats

Table = dict[str, Any]


class Spy(numcodecs.abc.Codec):  # type: ignore[misc] # numcodecs ships no type hints
    """A codec that somebody's package registers."""

    codec_id = "spy"
    ran: ClassVar[list[bytes]] = []

    def encode(self, buffer: bytes) -> bytes:
        return buffer

    def decode(self, buffer: bytes, out: Any = None) -> bytes:
        self.ran.append(bytes(buffer))
        return buffer


@pytest.fixture(autouse=True)
def spy() -> Iterator[None]:
    numcodecs.registry.register_codec(Spy)
    Spy.ran.clear()
    yield
    del numcodecs.registry.codec_registry["spy"]


def folder(tmp_path: Path, version: int, codecs: str) -> Path:
    """A replay buffer of some version, packed by some codec."""
    if version == 2:
        packers = {"blosc": BLOSC, "gzip": numcodecs.GZip(1), "lz4": numcodecs.LZ4(), "zstd": numcodecs.Zstd()}
        packers |= {"zlib": numcodecs.Zlib(), "bz2": numcodecs.BZ2(), "none": None}
        return zarr_folder(tmp_path, small(), packers[codecs])
    path = tmp_path / "small.zarr"
    root = zarr.open_group(str(path), mode="w", zarr_format=3)
    data, meta, episodes = root.create_group("data"), root.create_group("meta"), small()
    more: Table = {"shards": {"shards": (16, 2)}, "plain": {"compressors": None}}.get(codecs, {})
    for name, values in (("obs", episodes.observations), ("action", episodes.actions)):
        shards = {"shards": (16, values.shape[1])} if "shards" in more else more
        made = data.create_array(name, shape=values.shape, dtype="float64", chunks=(8, values.shape[1]), **shards)
        made[...] = values
    ends = meta.create_array("episode_ends", shape=(3,), dtype="int64", chunks=(3,))
    ends[...] = episodes.ends
    return path


def rewrite(path: Path, change: Callable[[Table], object]) -> Path:
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))
    return path


def zipped(path: Path) -> Path:
    target = path.with_name("small.zarr.zip")
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                archive.write(file, f"small.zarr/{file.relative_to(path)}")
    return target


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize(
    ("version", "codecs"),
    [
        *((2, name) for name in ("blosc", "gzip", "lz4", "zstd", "zlib", "bz2", "none")),
        (3, "zstd"),
        (3, "shards"),
        (3, "plain"),
    ],
)
def test_the_usual_codecs_are_read(tmp_path: Path, version: int, codecs: str, packed: bool) -> None:
    path = folder(tmp_path, version, codecs)
    assert same(formats.read(zipped(path) if packed else path), small(rewards=version == 2))


SECOND: dict[str, Callable[[Table], object]] = {
    "filter": lambda table: table.update(filters=[{"id": "spy"}]),
    "compressor": lambda table: table.update(compressor={"id": "spy"}),
    "pickle": lambda table: table.update(filters=[{"id": "vlen-utf8"}, {"id": "pickle"}], dtype="|O"),
    "objects": lambda table: table.update(dtype="|O"),
    "a structure": lambda table: table.update(dtype=[["a", "|O"]]),
    "objects in a filter": lambda table: table.update(filters=[{"id": "delta", "dtype": "O"}]),
    "packed twice": lambda table: table.update(filters=[{"id": "gzip"}]),
    "no codec": lambda table: table.update(filters=["", 3]),
    "sizes below zero": lambda table: table.update(shape=[-1, 5]),
    "20 TB": lambda table: table.update(shape=[10**12, 5]),
    "10^12 chunks": lambda table: table.update(shape=[10**8, 5], chunks=[1, 1]),
    "chunks of a terabyte": lambda table: table.update(chunks=[10**11, 5]),
}


@pytest.mark.parametrize("case", SECOND)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_metadata_of_other_codecs_or_sizes_are_refused_before_anything_runs(
    tmp_path: Path, case: str, packed: bool
) -> None:
    path = folder(tmp_path, 2, "blosc")
    rewrite(path / "data/state/.zarray", SECOND[case])
    assert "data/state" in refused(zipped(path) if packed else path)
    assert not Spy.ran


THIRD: dict[str, Callable[[Table], object]] = {
    "codec": lambda table: table["codecs"].append({"name": "numcodecs.spy"}),
    "inner codec": lambda table: table.update(codecs=[shard([{"name": "numcodecs.pickle"}])]),
    "codec of the index": lambda table: table.update(codecs=[shard([{"name": "bytes"}], [{"name": "numcodecs.spy"}])]),
    "texts of any length": lambda table: table.update(data_type="string"),
    "a transformer": lambda table: table.update(storage_transformers=[{"name": "x"}]),
    "another grid": lambda table: table.update(chunk_grid={"name": "spy"}),
}


def shard(codecs: list[Table], index: list[Table] | None = None) -> Table:
    settings = {"chunk_shape": [8, 5], "codecs": codecs, "index_codecs": index or [{"name": "bytes"}]}
    return {"name": "sharding_indexed", "configuration": settings}


@pytest.mark.parametrize("case", THIRD)
def test_version_3_is_held_to_the_same(tmp_path: Path, case: str) -> None:
    path = folder(tmp_path, 3, "zstd")
    rewrite(path / "data/obs/zarr.json", THIRD[case])
    assert "data/obs/zarr.json" in refused(path)
    assert not Spy.ran


def test_an_array_that_nobody_reads_and_copies_of_metadata_are_looked_at_too(tmp_path: Path) -> None:
    path = folder(tmp_path, 2, "blosc")
    array = json.loads((path / "data/state/.zarray").read_text())
    (path / ".zmetadata").write_text(
        json.dumps({"metadata": {"data/state/.zarray": {**array, "filters": [{"id": "spy"}]}}})
    )
    assert ".zmetadata" in refused(path)
    (path / ".zmetadata").unlink()
    (path / "other").mkdir()
    (path / "other/.zarray").write_text(json.dumps({**array, "compressor": {"id": "spy"}}))
    assert "other/.zarray" in refused(path)
    assert not Spy.ran


BOMBS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda chunk: gzip.compress(bytes(10**7)),
    "zlib": lambda chunk: numcodecs.Zlib().encode(bytes(10**7)),
    "bz2": lambda chunk: numcodecs.BZ2().encode(bytes(10**7)),
    "zstd": lambda chunk: numcodecs.Zstd().encode(bytes(10**7)),
    "lz4": lambda chunk: (2**31 - 1).to_bytes(4, "little") + chunk[4:],
    "blosc": lambda chunk: chunk[:4] + (2**31 - 1).to_bytes(4, "little") + chunk[8:],
}


@pytest.mark.parametrize("codecs", BOMBS)
def test_a_chunk_that_unpacks_to_more_than_a_chunk_is_refused(tmp_path: Path, codecs: str) -> None:
    path = folder(tmp_path, 2, codecs)
    chunk = path / "data/state/0.0"
    chunk.write_bytes(BOMBS[codecs](chunk.read_bytes()))
    assert "data/state/0.0 unpacks to more than a chunk" in refused(path)


def test_a_chunk_within_a_shard_is_held_to_the_same(tmp_path: Path) -> None:
    path = folder(tmp_path, 3, "shards")
    shard = next(file for file in sorted((path / "data/obs/c").rglob("*")) if file.is_file())
    content = bytearray(shard.read_bytes())
    content[-20:-12] = (2**40).to_bytes(8, "little")
    shard.write_bytes(bytes(content))
    assert "leads beyond its end" in refused(path)
