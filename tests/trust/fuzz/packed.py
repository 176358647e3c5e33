"""Valid containers with wrong contents: right checksums and digests around what was changed."""

import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Sequence
from random import Random
from typing import Any

import torch
from mutate import change, change_table
from safetensors.torch import load, save

from becalm.files.checkpoint import _digest

_KINDS = (torch.int8, torch.float16, torch.float64, torch.bool, torch.complex64)
_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"zTXt", b"iTXt", b"acTL", b"fcTL", b"fdAT", b"gAMA")


def checkpoint(random: Random, data: bytes) -> bytes:
    """A checkpoint whose configuration or tensors were changed, with the right digest."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])["__metadata__"]
    config, tensors = json.loads(header["config"]), load(data)
    if random.random() < 0.75:
        config = change_table(random, config)
    else:
        tensors = _tensors(random, tensors)
    text = json.dumps(config) if random.random() < 0.97 else random.choice(("", "[" * 10**4, "null", "{", "9" * 6000))
    return save(tensors, metadata={"becalm": "1", "config": text, "digest": _digest(tensors, text)})


def _tensors(random: Random, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    changed = dict(tensors)
    for _ in range(random.choice((1, 1, 3))):
        name = random.choice(sorted(changed))
        value = changed[name]
        kind = random.randrange(6)
        if kind == 0:
            del changed[name]
        elif kind == 1:
            changed[name] = value.to(random.choice(_KINDS))
        elif kind == 2:
            changed[name] = value.flatten()[: random.randrange(3)].clone()
        elif kind == 3 and value.is_floating_point():
            changed[name] = torch.full_like(value, random.choice((torch.nan, torch.inf, -1.0, 1e30)))
        elif kind == 4:
            changed[random.choice(("x", "network.x", "optimizer.0.99.exp_avg", "é"))] = value
        else:
            changed[name] = torch.zeros(random.choice(((), (0,), (1, 1), (3, 0, 2))), dtype=value.dtype)
        if not changed:
            return tensors
    return changed


def header(random: Random, data: bytes) -> bytes:
    """A safetensors file whose header was changed, of the right length."""
    length = int.from_bytes(data[:8], "little")
    text = json.dumps(change_table(random, json.loads(data[8 : 8 + length]))).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def gzipped(random: Random, data: bytes) -> bytes:
    """A gzip file of changed content."""
    return gzip.compress(change(random, data), compresslevel=1, mtime=0)


def zipped(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """An archive of which a member was changed; JSON within stays JSON."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(sorted(members))
    if name.rpartition("/")[2] in (".zarray", ".zgroup", "zarr.json", ".zmetadata") and random.random() < 0.8:
        members[name] = _json(random, members[name])
    elif random.random() < 0.1:
        del members[name]
    else:
        members[name] = change(random, members[name], others)
    held = io.BytesIO()
    packing = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(held, "w", packing, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def _json(random: Random, text: bytes) -> bytes:
    return json.dumps(change_table(random, json.loads(text))).encode()


def png(random: Random, data: bytes) -> bytes:
    """A PNG of which a chunk was changed, with the right sums; its pixels sometimes packed anew."""
    chunks: list[tuple[bytes, bytes]] = []
    place = 8
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += 12 + size
    at = random.randrange(len(chunks))
    kind, content = chunks[at]
    if kind == b"IDAT" and random.random() < 0.5:
        content = zlib.compress(change(random, zlib.decompress(content)), 1)
    elif random.random() < 0.2:
        kind = random.choice(_CHUNKS)
    else:
        content = change(random, content)
    chunks[at] = (kind, content)
    if random.random() < 0.1:
        chunks.insert(at, random.choice(chunks))
    return data[:8] + b"".join(_chunk(name, part) for name, part in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def table(random: Random, data: bytes) -> bytes:
    """A JSON file, changed."""
    held: Any = json.loads(data)
    return json.dumps(change_table(random, held)).encode()
