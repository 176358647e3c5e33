"""A record in a file: it comes back as it went in, a second one takes its place, and nothing else changes."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from becalm.errors import UserError
from becalm.provenance import SUFFIXES, CheckpointRef, Record, Source, parse, read, stamp, write


def png(mode: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 12)).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def gif() -> bytes:
    buffer = io.BytesIO()
    first, *rest = (Image.fromarray(np.full((4, 4), shade, np.uint8)) for shade in (0, 90, 200))
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=[100, 200, 300], loop=0)
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=np.arange(6).reshape(2, 3), names=np.array(["a", "b"]))
    return buffer.getvalue()


def box(kind: bytes, data: bytes) -> bytes:
    return (8 + len(data)).to_bytes(4, "big") + kind + data


MPS = b"NAME t\nROWS\n N obj\nENDATA\n"
FILES: Mapping[str, bytes] = {
    "a.png": png("L"),
    "b.png": png("P"),
    "a.gif": gif(),
    "a.mp4": box(b"ftyp", b"isom") + box(b"mdat", bytes(9)) + box(b"moov", bytes(30)),
    "a.npz": npz(),
    "a.json": b'{\n "solutions": [1, 2]\n}\n',
    "b.json": b"{}",
    "a.csv": b'episode,notes\n0,"a, b"\n1,\n',
    "a.sol": b"=obj= -1\nx 1\ny 0\n",
    "a.mst": b"Stopped on time - objective value -1\n      0 x  1  0\n",
    "a.mps": MPS,
    "a.mps.gz": gzip.compress(MPS, mtime=0),
}


def pixels(content: bytes) -> list[tuple[bytes, object]]:
    with Image.open(io.BytesIO(content)) as image:
        frames = range(getattr(image, "n_frames", 1))
        return [(image.seek(n) or image.convert("RGB").tobytes(), image.info.get("duration")) for n in frames]  # type: ignore[func-returns-value]


def arrays(content: bytes) -> dict[str, object]:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name].tolist() for name in file.files if name != "becalm"}


def cells(content: bytes) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [{name: cell for name, cell in row.items() if name != "becalm"} for row in rows]


def others(content: bytes) -> dict[str, object]:
    return {name: value for name, value in json.loads(content).items() if name != "becalm"}


READERS: Mapping[str, Callable[[bytes], object]] = {
    ".png": pixels,
    ".gif": pixels,
    ".npz": arrays,
    ".json": others,
    ".csv": cells,
}
RECORD = Record(
    "images sample",
    {"count": 4, "sampler": {"kind": "ddim", "eta": 0.5}, "label": "any", "times": [1.0, 0.1]},
    checkpoint=CheckpointRef("mnist", "f" * 64),
    inputs={"image": Source("eight.png", "a" * 64, "iVBOR==")},
    versions={"becalm": "0.2.0"},
)


def test_every_kind_of_file_is_tried() -> None:
    assert {next(s for s in SUFFIXES if name.endswith(s)) for name in FILES} | {".mps.gz"} == set(SUFFIXES)


@pytest.mark.parametrize("name", FILES)
def test_a_record_comes_back_and_the_last_one_stands(name: str) -> None:
    plain, other = FILES[name], replace(RECORD, settings={"count": 9, "long": "x" * 700}, timed=True)
    once = stamp(plain, name, RECORD)
    assert parse(name, once) == RECORD
    assert parse(name, stamp(once, name, other)) == other
    assert stamp(stamp(once, name, other), name, RECORD) == once
    with pytest.raises(UserError, match=f"{name} does not say how it was made"):
        parse(name, plain)


@pytest.mark.parametrize("name", [name for name in FILES if Path(name).suffix in READERS])
def test_readers_see_what_they_saw(name: str) -> None:
    reader = READERS[Path(name).suffix]
    assert reader(stamp(FILES[name], name, RECORD)) == reader(FILES[name])


def test_boxes_of_a_film_stay_where_they_are() -> None:
    assert stamp(FILES["a.mp4"], "a.mp4", RECORD).startswith(FILES["a.mp4"])


@settings(max_examples=25)
@given(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_any_setting_survives_as_text(text: str, number: float, whole: int) -> None:
    made = replace(RECORD, settings={"text": text, "number": number, "whole": whole, "none": None})
    assert Record.parse(made.text) == made
    assert made.text.isascii() and "\n" not in made.text
    for name in ("a.png", "a.csv", "a.json", "a.mps"):
        assert parse(name, stamp(FILES[name], name, made)) == made


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"no such thing", b"\xff\xfe\x00"])
def test_a_file_of_another_kind_is_one_sentence(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} (is damaged|does not say)"):
        read(tmp_path / name)


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        read(tmp_path / "a.png")
    with pytest.raises(UserError, match="is a folder: name a file"):
        read(tmp_path)
    with pytest.raises(UserError, match=r"a result ends in one of \.png.*, got "):
        read(tmp_path / "a.txt")
    for text in ('{"command": 1}', "[1]", "{", '{"settings": {}}', '{"command": "a", "settings": {}, "inputs": 3}'):
        with pytest.raises(UserError, match="the record of becalm is damaged"):
            Record.parse(text)


def test_a_later_becalm_may_say_more() -> None:
    assert Record.parse(json.dumps({**json.loads(RECORD.text), "mood": "calm"})) == RECORD


def test_a_solution_whose_record_is_too_long_for_its_readers_has_none(tmp_path: Path) -> None:
    made = replace(RECORD, settings={"noise": np.random.default_rng(0).random(300).tolist()})
    write(tmp_path / "a.sol", FILES["a.sol"], made)
    assert (tmp_path / "a.sol").read_bytes() == FILES["a.sol"]
