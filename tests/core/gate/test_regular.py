"""Only regular files are read: nothing waits for a pipe, and no link leads out of a folder."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.gate import regular, text
from becalm.gate.limit import Budget, most
from becalm.provenance import read as record_of


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listener(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # A socket's address has at most a hundred letters.
    try:
        with socket.socket(socket.AF_UNIX) as held:
            held.bind(path.name)
    finally:
        os.chdir(here)


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (pipe, "it is a pipe"),
    "socket": (listener, "it is a socket"),
    "folder": (Path.mkdir, "is a folder"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
    "nothing": (lambda path: None, "there is no"),
    "link to nothing": (lambda path: path.symlink_to("nowhere"), "there is no"),
}
DOORS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "content": ("a.bin", lambda path: regular.content(path, most=100)),
    "checkpoint": ("a.safetensors", Checkpoint.read),
    "table": ("a.json", lambda path: text.read_table(path, "file")),
    "record": ("a.png", record_of),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_regular_file_is_refused_by_its_name(tmp_path: Path, kind: str, door: str) -> None:
    name, read = DOORS[door]
    make, says = KINDS[kind]
    make(tmp_path / name)
    with pytest.raises(UserError, match=name) as caught:
        read(tmp_path / name)
    assert says in str(caught.value)


def test_content_is_read_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert regular.content(tmp_path / "a", most=5) == b"12345"
    with pytest.raises(UserError, match="at most 4 bytes"):
        regular.content(tmp_path / "a", most=4)


def test_a_link_within_a_folder_is_followed_and_one_out_of_it_is_not(tmp_path: Path) -> None:
    folder, other = tmp_path / "data", tmp_path / "other"
    folder.mkdir()
    other.write_text("private")
    (folder / "file").write_text("")
    (folder / "near").symlink_to("file")
    (folder / "far").symlink_to(other)
    regular.inside(folder, folder / "near")
    with pytest.raises(UserError, match="is a link out of"):
        regular.inside(folder, folder / "far")


def test_the_links_of_the_hubs_cache_are_followed(tmp_path: Path) -> None:
    home = tmp_path / "datasets--owner--name"
    folder = home / "snapshots" / "0a1b"
    for place in (folder / "meta", home / "blobs"):
        place.mkdir(parents=True)
    (home / "blobs" / "9f").write_text("{}")
    (folder / "meta" / "info.json").symlink_to("../../../blobs/9f")
    regular.inside(folder, folder / "meta" / "info.json")


@pytest.mark.parametrize(("said", "means"), [("1000", 1000), ("2k", 2048), ("3G", 3 * 2**30)])
def test_the_bound_is_as_the_environment_says(monkeypatch: pytest.MonkeyPatch, said: str, means: int) -> None:
    monkeypatch.setenv("BECALM_MAX_BYTES", said)
    assert most() == means
    budget = Budget(Path("a.npz"))
    budget.take(means)
    with pytest.raises(UserError, match=rf"a\.npz: x unpacks to more than the {means} bytes.*BECALM_MAX_BYTES"):
        budget.take(1, "x")


@pytest.mark.parametrize("said", ["much", "-1", "1.5G", "9" * 30])
def test_a_bound_that_is_no_number_of_bytes_is_refused(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("BECALM_MAX_BYTES", said)
    with pytest.raises(UserError, match="must be a number of bytes"):
        most()
