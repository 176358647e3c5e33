"""Chunks of a zarr array: each unpacks to about what its array's metadata say, which is asked of its header.

Codecs give memory as a chunk's header says, and blosc reads on beyond the end of a chunk that is shorter than that.
Imports no torch.
"""

import bz2
import itertools
import math
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from becalm.errors import UserError
from becalm.gate import fill
from becalm.gate.tree import Tree
from becalm.gate.zarr import COMPRESSORS, Array, name_of, settings_of

_NONE = 2**64 - 1
_PIECE = 2**20
# Filters between numbers and the compressor may widen them, packed bits eightfold.
_WIDER, _MORE = 8, 2**12
_FILES = (".zarray", ".zattrs", ".zgroup", "zarr.json")


def check(tree: Tree, folder: str, array: Array) -> list[fill.Place]:
    """Checks the chunks of an array.

    Args:
        folder: Of the array, within the tree.

    Returns:
        The places of chunks that are not stored, and so are full of the fill value; ``becalm.gate.fill`` judges them.

    Raises:
        UserError: If one is missing where there is no fill value or they are too many to tell, unpacks to more than a
            chunk has, or is shorter than its header says.
    """
    names = [name for name in tree.sizes if name.startswith(f"{folder}/") and name.rpartition("/")[2] not in _FILES]
    absent = _absent(f"{tree.path}: {folder}", folder, array, names)
    _check_sizes(tree, array, names)
    return absent


def _absent(where: str, folder: str, array: Array, names: Collection[str]) -> list[fill.Place]:
    if len(names) < array.count and not (array.filled and array.count <= fill.MOST):
        reason = f"it has more than {fill.MOST}" if array.filled else "there is no fill value"
        raise fill.lost(where, array.count, len(names), reason)
    if array.count > fill.MOST:
        return []
    there = set(names)
    places = itertools.product(*map(range, array.counts))
    return [place for place in places if f"{folder}/{array.name(place)}" not in there]


def _check_sizes(tree: Tree, array: Array, names: Collection[str]) -> None:
    """Checks that no chunk unpacks to more than a chunk has, or is shorter than its header says."""
    shards = next((settings_of(codec) for codec in array.codecs if name_of(codec) == "sharding_indexed"), None)
    codecs = array.codecs if shards is None else tuple(shards.get("codecs", ()))
    packer = next((name_of(codec) for codec in codecs if name_of(codec) in COMPRESSORS), None)
    if packer is None and shards is None:
        return
    most = array.chunk_bytes * _WIDER + _MORE
    for name in names:
        where = f"{tree.path}: chunk {name}"
        if shards is not None:
            content = tree.read(name)
            for part in _parts(where, content, array, shards):
                _check_one(where, part, len(part), packer, most)
        elif packer in ("blosc", "lz4", "zstd"):
            _check_one(where, tree.read(name, 32), tree.sizes[name], packer, most)
        else:
            _check_one(where, tree.read(name), tree.sizes[name], packer, most)


def _check_one(where: str, content: bytes, size: int, packer: str | None, most: int) -> None:
    """Checks a packed chunk of ``size`` bytes, of which the first or all are given."""
    if packer == "blosc":
        length = int.from_bytes(content[12:16], "little")
        if length != size or size < 16:
            raise UserError(f"{where} must have {max(length, 16)} bytes, got {size}")
        unpacked = int.from_bytes(content[4:8], "little")
    elif packer == "lz4":
        unpacked = int.from_bytes(content[:4], "little")
    elif packer == "zstd":
        unpacked = _zstd(where, content)
    elif packer in ("gzip", "zlib", "bz2"):
        unpacked = _count(content, packer, most)
    else:
        unpacked = size
    if unpacked > most:
        raise UserError(f"{where} unpacks to more than a chunk of its array has")


def _count(content: bytes, packer: str, most: int) -> int:
    """Bytes that a chunk unpacks to, counted as far as there may be; what is damaged the codec says."""
    unpack: Any = bz2.BZ2Decompressor() if packer == "bz2" else zlib.decompressobj(47)
    count = 0
    try:
        while not unpack.eof and count <= most:
            piece = unpack.decompress(content, _PIECE)
            content = getattr(unpack, "unconsumed_tail", b"")
            count += len(piece)
            if not piece and not content:
                break
        # Further members behind the first: gzip and bzip2 would unpack them, too.
        return most + 1 if unpack.unused_data.strip(b"\0") else count
    except (zlib.error, OSError, EOFError):
        return count


def _zstd(where: str, content: bytes) -> int:
    """The unpacked size that a frame's header says (RFC 8878, section 3.1.1.1)."""
    if content[:4] != b"\x28\xb5\x2f\xfd" or len(content) < 6:
        raise UserError(f"{where} is no zstd frame")
    flags = content[4]
    kind, single, dictionary = flags >> 6, flags >> 5 & 1, (0, 1, 2, 4)[flags & 3]
    length = (1 if single else 0, 2, 4, 8)[kind]
    if length == 0:
        raise UserError(f"{where} does not say its unpacked size: write it anew")
    start = 5 + (0 if single else 1) + dictionary
    return int.from_bytes(content[start : start + length], "little") + (256 if kind == 1 else 0)


def _parts(where: str, content: bytes, array: Array, shards: Mapping[str, Any]) -> Iterator[bytes]:
    """The inner chunks of a shard, by the index at its end or its beginning."""
    inner = shards.get("chunk_shape")
    if (
        not isinstance(inner, list)
        or len(inner) != len(array.chunks)
        or not all(
            type(size) is int and size > 0 and whole % size == 0
            for size, whole in zip(inner, array.chunks, strict=True)
        )
    ):
        raise UserError(f"{where}: chunks of a shard must divide {array.chunks}, got {str(inner)[:60]}")
    names = [name_of(codec) for codec in shards.get("index_codecs", ())]
    if names not in (["bytes"], ["bytes", "crc32c"]):
        raise UserError(f"{where}: the index of a shard must be encoded by bytes and crc32c, got {', '.join(names)}")
    count = math.prod(whole // size for size, whole in zip(inner, array.chunks, strict=True))
    length = 16 * count + (4 if len(names) == 2 else 0)
    if length > len(content):
        raise UserError(f"{where} must have an index of {length} bytes, it has {len(content)} in all")
    index = content[:length] if shards.get("index_location") == "start" else content[len(content) - length :]
    for place in range(0, 16 * count, 16):
        offset, size = (int.from_bytes(index[at : at + 8], "little") for at in (place, place + 8))
        if offset == _NONE and size == _NONE:
            continue
        if offset + size > len(content):
            raise UserError(f"{where}: its index leads beyond its end")
        yield content[offset : offset + size]
