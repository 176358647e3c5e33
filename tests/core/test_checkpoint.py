"""Checkpoints: what is written is read, what is damaged is refused, and a file is old or new but never half."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from becalm.errors import UserError
from becalm.files.atomic import replacing, write_atomic
from becalm.files.checkpoint import Checkpoint

CONFIG = {"domain": "points", "rate": 0.1, "name": "é"}


def tiny() -> Checkpoint:
    return Checkpoint({"weight": torch.tensor([1.5, -2.0]), "count": torch.tensor(3)}, CONFIG)


def equal(one: Checkpoint, other: Checkpoint) -> bool:
    return (
        one.config == other.config
        and one.tensors.keys() == other.tensors.keys()
        and all(torch.equal(value, other.tensors[name]) for name, value in one.tensors.items())
        and all(value.dtype == other.tensors[name].dtype for name, value in one.tensors.items())
    )


DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
SHAPES = st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=3))
VALUES = st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.none())


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(NAMES, SHAPES, max_size=4), st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, shapes: dict[str, tuple[torch.dtype, list[int]]], config: dict[str, Any]
) -> None:
    tensors: dict[str, Tensor] = {name: (torch.rand(shape) * 100).to(dtype) for name, (dtype, shape) in shapes.items()}
    path = tmp_path_factory.mktemp("checkpoints") / "one.safetensors"
    written = Checkpoint(tensors, config)
    written.write(path)
    found = Checkpoint.read(path)
    assert equal(found, written) and found.digest == written.digest


def test_a_transposed_tensor_is_read_as_it_was(tmp_path: Path) -> None:
    written = Checkpoint({"w": torch.arange(12.0).reshape(3, 4).T, "v": torch.arange(10)[::2]}, {})
    written.write(tmp_path / "one.safetensors")
    assert equal(Checkpoint.read(tmp_path / "one.safetensors"), written)


def test_every_flipped_byte_is_caught(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    tiny().write(path)
    content = path.read_bytes()
    caught = 0
    for place in range(len(content)):
        for mask in (0xFF, 0x01, 0x20):  # Other bits, a neighbour, and for letters the other case.
            path.write_bytes(content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :])
            try:
                assert equal(Checkpoint.read(path), tiny()), f"byte {place} of {len(content)}"
            except UserError as error:
                assert "\n" not in str(error)
                caught += 1
    assert caught > 2.9 * len(content)


def test_every_truncation_is_caught(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    tiny().write(path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match="tiny"):
            Checkpoint.read(path)


def test_trailing_bytes_are_caught(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    tiny().write(path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(UserError, match="damaged"):
        Checkpoint.read(path)


def test_the_digest_knows_names_shapes_types_values_and_configuration() -> None:
    digests = {
        checkpoint.digest
        for checkpoint in (
            tiny(),
            Checkpoint({**tiny().tensors, "more": torch.zeros(0)}, CONFIG),
            Checkpoint({"weight": torch.tensor([[1.5, -2.0]]), "count": torch.tensor(3)}, CONFIG),
            Checkpoint({"weight": torch.tensor([1.5, -2.0]), "count": torch.tensor(3, dtype=torch.int32)}, CONFIG),
            Checkpoint({"weight": torch.tensor([1.5, 2.0]), "count": torch.tensor(3)}, CONFIG),
            Checkpoint(tiny().tensors, {**CONFIG, "rate": 0.2}),
        )
    }
    assert len(digests) == 6


@pytest.mark.parametrize("content", [b"", b"x", b"GIF89a" * 100, b"\xff" * 64, b"PK\x03\x04" + bytes(100), b'{"a": 1}'])
def test_what_is_no_checkpoint_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"checkpoint .*other\.safetensors cannot be read"):
        Checkpoint.read(path)


def test_anothers_safetensors_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(UserError, match="not a becalm checkpoint"):
        Checkpoint.read(path)


def test_a_missing_file_and_a_folder_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no checkpoint"):
        Checkpoint.read(tmp_path / "none.safetensors")
    with pytest.raises(UserError, match="is a folder"):
        Checkpoint.read(tmp_path)


def test_a_place_that_cannot_be_written_is_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write .*one.safetensors"):
        tiny().write(tmp_path / "file" / "one.safetensors")
    with pytest.raises(UserError, match="it is a folder"):
        tiny().write(tmp_path)
    with pytest.raises(UserError, match="cannot write"):
        tiny().write(tmp_path / ("x" * 300 + ".safetensors"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which even root cannot write")
def test_a_read_only_folder_is_named_in_a_sentence() -> None:
    with pytest.raises(UserError, match="cannot write /proc/self/one.safetensors"):
        tiny().write(Path("/proc/self/one.safetensors"))


def test_missing_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    tiny().write(tmp_path / "a" / "b" / "one.safetensors")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["one.safetensors"]


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    write_atomic(path, b"old")
    with pytest.raises(KeyError), replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise KeyError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    write_atomic(tmp_path / "one", b"")
    (tmp_path / "two").touch()
    assert (tmp_path / "one").stat().st_mode == (tmp_path / "two").stat().st_mode


FULL = """
import resource, sys
from pathlib import Path
import torch
from becalm.files.checkpoint import Checkpoint
from becalm.errors import UserError

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    Checkpoint({"w": torch.zeros(10_000)}, {}).write(Path(sys.argv[1]))
except UserError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs limits on file sizes")
def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    tiny().write(path)
    found = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=60)
    assert found.returncode == 2, found.stderr
    assert found.stdout.startswith(f"cannot write {path}: ") and found.stdout.count("\n") == 1
    assert equal(Checkpoint.read(path), tiny())
    assert list(tmp_path.iterdir()) == [path]


WRITING = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from becalm.files.checkpoint import Checkpoint

torch.set_num_threads(1)
path, moment, numbers = Path(sys.argv[1]), random.Random(1), []
Checkpoint({"w": torch.zeros(50_000)}, {"number": 0}).write(path)
for life in range(10):
    child = os.fork()
    if child == 0:
        number = Checkpoint.read(path).config["number"]
        while True:
            number += 1
            Checkpoint({"w": torch.full((50_000,), float(number))}, {"number": number}).write(path)
    time.sleep(moment.uniform(0.02, 0.2))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = Checkpoint.read(path)
    assert bool((found.tensors["w"] == found.config["number"]).all())
    numbers.append(found.config["number"])
assert numbers == sorted(numbers) and numbers[-1] > 5, numbers
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
def test_a_kill_while_writing_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    found = subprocess.run([sys.executable, "-c", WRITING, str(path)], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr


def test_the_header_is_json_that_any_safetensors_reader_shows(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    tiny().write(path)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["config"]) == CONFIG
