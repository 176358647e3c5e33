"""What a process that is gone left half-written is removed by the next one, and nothing else."""

import subprocess
import sys
from pathlib import Path

from becalm.files.atomic import filling, sweep, temporary_prefix, write_atomic
from becalm.files.lock import hold
from becalm.files.owner import is_left, tag

DYING = """
import os, sys
from pathlib import Path
from becalm.files.atomic import filling, replacing
path = Path(sys.argv[1])
with filling(path / "folder") as folder, replacing(path / "a.txt") as temporary:
    (folder / "inside").write_bytes(b"x")
    temporary.write_bytes(b"half")
    os._exit(9)
"""


def test_what_the_dead_left_is_swept_by_the_next_writer_of_the_folder(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", DYING, str(tmp_path)], timeout=60)
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) == 2 and all(is_left(name) for name in left)
    theirs = [".a-notes.txt", "a-1f0c9a3b.1.1-x", ".a-00000000.1.1-x", f".a{tag()}x"]
    for name in theirs:
        (tmp_path / name).touch()
    with hold(tmp_path / "a.txt"):
        assert {path.name for path in tmp_path.iterdir()} == {*theirs, ".a.txt.lock"}
    sweep(tmp_path / "nowhere")


def test_what_is_being_written_stays(tmp_path: Path) -> None:
    with filling(tmp_path / "folder") as folder:
        sweep(tmp_path)
        assert folder.exists()
    assert not is_left(temporary_prefix("a") + "x")


def test_long_names_are_written_as_short_ones(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 120 + ".txt")
    write_atomic(path, b"x")
    assert path.read_bytes() == b"x" and list(tmp_path.iterdir()) == [path]
