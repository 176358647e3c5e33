"""Zarr stores, versions 2 and 3, by their metadata, before the library opens them: codecs by a list, no objects.

A store names the codecs that decode it, and whatever is registered under a name is run: that may be pickle. So every
array in it is looked at: its filters and compressors, inner codecs of shards, and copies of its metadata elsewhere.
Imports no torch.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from becalm.errors import UserError
from becalm.gate.limit import Budget
from becalm.gate.text import parse_table
from becalm.gate.tree import Tree

COMPRESSORS = frozenset({"blosc", "zlib", "gzip", "bz2", "lz4", "zstd"})
_PLAIN = frozenset({"delta", "shuffle", "fixedscaleoffset", "packbits", "crc32", "crc32c", "bytes", "transpose"})
_SHARDS = "sharding_indexed"
_DTYPE = re.compile(r"[<>|=]?[fiubcUSmM][0-9]+(\[[0-9]*\w+\])?")
_TYPE = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)|complex(64|128)")
_METADATA = 2**26
_CHUNK = 2**26
"""Bytes that a chunk may have although its array has fewer."""
_AXES = 32


@dataclass(frozen=True, slots=True)
class Array:
    """What an array's metadata say.

    Attributes:
        shape: Of the array.
        chunks: Of a chunk, or of a shard.
        item: Bytes of a number.
        codecs: In the order of encoding, as of version 3: tables of ``name`` and ``configuration``.
        filled: Whether there is a fill value, which chunks that are not stored are full of.
        head, separator: Of the names of chunks: ``c`` and ``/`` of version 3 make ``c/0/0``.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    item: int
    codecs: tuple[Mapping[str, Any], ...]
    filled: bool = True
    head: str = ""
    separator: str = "."

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of chunks along each axis."""
        return tuple(-(-size // chunk) for size, chunk in zip(self.shape, self.chunks, strict=True))

    @property
    def count(self) -> int:
        """Number of chunks."""
        return math.prod(self.counts)

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk, unpacked."""
        return math.prod(self.chunks) * self.item

    def name(self, place: tuple[int, ...]) -> str:
        """The name of a chunk's file within the array's folder."""
        parts = [self.head, *map(str, place)] if self.head else [*map(str, place)] or ["0"]
        return self.separator.join(parts)


def check(tree: Tree) -> None:
    """Checks all arrays of a store.

    Raises:
        UserError: If one has objects as elements, or is encoded by what is not on the list.
    """
    for name, size in tree.sizes.items():
        last = name.rpartition("/")[2]
        if last not in (".zarray", ".zmetadata", "zarr.json"):
            continue
        where = f"{tree.path}: {name}"
        if size > _METADATA:
            raise UserError(f"{where} has {size} bytes, metadata have at most {_METADATA}")
        for place, table in _tables(where, last, _table(tree, name)):
            _described(place, table)


def array(tree: Tree, folder: str, budget: Budget) -> Array:
    """What the metadata of an array that is to be read say; its numbers are taken from a budget, as float64.

    Args:
        folder: Of the array, within the tree.

    Raises:
        UserError: If there are none, they make no array, or it is more than may be read.
    """
    name = next((f"{folder}/{last}" for last in (".zarray", "zarr.json") if f"{folder}/{last}" in tree.sizes), None)
    if name is None:
        raise UserError(f"{tree.path}: {folder} must be an array, it has no .zarray or zarr.json")
    where = f"{tree.path}: {name}"
    found = _described(where, _table(tree, name))
    if found is None:
        raise UserError(f"{where} must be an array's, got a group's")
    held = 8 * math.prod(found.shape)
    budget.take(held, folder)
    if found.chunk_bytes > max(_CHUNK, 4 * held):
        raise UserError(f"{where} has chunks of {found.chunk_bytes} bytes, much more than the array")
    return found


def _table(tree: Tree, name: str) -> dict[str, Any]:
    text = tree.read(name).decode("utf-8", errors="replace")
    return parse_table(text, f"{tree.path}: {name}")


def _tables(where: str, last: str, table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The metadata in a file: one array's or group's, and those of others that it keeps copies of."""
    copies: Any = table.get("metadata") if last == ".zmetadata" else table.get("consolidated_metadata")
    if last != ".zmetadata":
        yield where, table
        copies = copies.get("metadata") if isinstance(copies, dict) else copies
    if copies is None:
        return
    if not isinstance(copies, dict):
        raise UserError(f"{where} must hold a table metadata, got {str(copies)[:40]}")
    for key, inner in copies.items():
        if not isinstance(inner, dict):
            raise UserError(f"{where} must hold a table for {key[:80]!r}, got {str(inner)[:40]}")
        if last == ".zmetadata" and not key.endswith(".zarray"):
            continue
        yield f"{where}, {key[:80]!r}", inner


def _described(where: str, table: Mapping[str, Any]) -> Array | None:
    """The array that metadata describe; None if it is a group."""
    if "node_type" in table:
        return _third(where, table) if table["node_type"] != "group" else None
    if "dtype" not in table and "shape" not in table:
        return None
    return _second(where, table)


def _second(where: str, table: Mapping[str, Any]) -> Array:
    dtype = table.get("dtype")
    if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype):
        raise UserError(f"{where}: dtype must be one of plain numbers, got {str(dtype)[:40]!r}")
    stages = [*_list(where, "filters", table.get("filters")), *_some(table.get("compressor"))]
    codecs = tuple({"name": stage.get("id"), "configuration": stage} for stage in _stages(where, stages))
    _check_codecs(where, codecs)
    item = int(re.sub(r"\D", "", dtype.partition("[")[0])) if "M" not in dtype.upper() else 8
    shape, chunks = _sizes(where, table.get("shape")), _sizes(where, table.get("chunks"), 1)
    separator = _separator(where, table.get("dimension_separator", "."))
    return Array(shape, chunks, item, codecs, table.get("fill_value") is not None, "", separator)


def _third(where: str, table: Mapping[str, Any]) -> Array:
    dtype = table.get("data_type")
    if not isinstance(dtype, str) or not _TYPE.fullmatch(dtype):
        raise UserError(f"{where}: data_type must be one of plain numbers, got {str(dtype)[:40]!r}")
    if table.get("storage_transformers"):
        raise UserError(f"{where}: storage_transformers must be empty")
    grid = table.get("chunk_grid")
    if not isinstance(grid, dict) or grid.get("name") != "regular" or not isinstance(grid.get("configuration"), dict):
        raise UserError(f"{where}: chunk_grid must be regular, got {str(grid)[:60]}")
    codecs = tuple(_stages(where, _list(where, "codecs", table.get("codecs"))))
    _check_codecs(where, codecs)
    bits = int(re.sub(r"\D", "", dtype) or 8)
    chunks = _sizes(where, grid["configuration"].get("chunk_shape"), 1)
    keys = table.get("chunk_key_encoding", {"name": "default"})
    if not isinstance(keys, Mapping) or keys.get("name") not in ("default", "v2"):
        raise UserError(f"{where}: chunk_key_encoding must be default or v2, got {str(keys)[:60]}")
    head, usual = ("c", "/") if keys["name"] == "default" else ("", ".")
    separator = _separator(where, settings_of(keys).get("separator", usual))
    return Array(_sizes(where, table.get("shape")), chunks, bits // 8, codecs, True, head, separator)


def _separator(where: str, said: Any) -> str:
    if said not in (".", "/"):
        raise UserError(f"{where}: names of chunks must be separated by . or /, got {str(said)[:40]!r}")
    return str(said)


def name_of(codec: Mapping[str, Any]) -> str:
    """The name of a codec, the same in both versions."""
    return str(codec.get("name")).removeprefix("numcodecs.")


def settings_of(codec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a codec."""
    settings = codec.get("configuration") or {}
    return settings if isinstance(settings, Mapping) else {}


def _check_codecs(where: str, codecs: tuple[Mapping[str, Any], ...]) -> None:
    for codec in codecs:
        name, settings = name_of(codec), settings_of(codec)
        if name == _SHARDS:
            for part in ("codecs", "index_codecs"):
                _check_codecs(where, tuple(_stages(where, _list(where, part, settings.get(part)))))
            continue
        if name not in COMPRESSORS | _PLAIN:
            known = ", ".join(sorted(COMPRESSORS | _PLAIN))
            raise UserError(f"{where} is encoded by {name[:40]!r}: known codecs are {known}")
        for key in ("dtype", "astype"):
            said = settings.get(key)
            if said is not None and not (isinstance(said, str) and re.fullmatch("[<>|=]?[fiub][0-9]+|\\w+", said)):
                raise UserError(f"{where}: {key} of codec {name} must be one of plain numbers, got {str(said)[:40]!r}")
            if said is not None and str(said).lstrip("<>|=") in ("O", "object"):
                raise UserError(f"{where}: {key} of codec {name} must be one of plain numbers, got {said!r}")
    if sum(name_of(codec) in COMPRESSORS for codec in codecs) > 1:
        raise UserError(f"{where} is packed more than once: unpack it, it may be packed once")
    if any(name_of(codec) == _SHARDS for codec in codecs) and len(codecs) > 1:
        raise UserError(f"{where}: shards must be encoded by nothing else")


def _stages(where: str, stages: list[Any]) -> Iterator[Mapping[str, Any]]:
    for stage in stages:
        if isinstance(stage, str):
            yield {"name": stage}
        elif isinstance(stage, Mapping):
            yield stage
        else:
            raise UserError(f"{where}: a codec must be a table, got {str(stage)[:40]}")


def _list(where: str, name: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise UserError(f"{where}: {name} must be a list, got {str(value)[:40]}")
    return value


def _some(value: Any) -> list[Any]:
    return [] if value is None else [value]


def _sizes(where: str, value: Any, least: int = 0) -> tuple[int, ...]:
    whole = isinstance(value, list) and all(type(size) is int and least <= size < 2**63 for size in value)
    if not whole or len(value) > _AXES:
        raise UserError(
            f"{where}: sizes must be a list of at most {_AXES} whole numbers from {least}, got {str(value)[:40]}"
        )
    return tuple(value)
