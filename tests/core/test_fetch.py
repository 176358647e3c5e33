"""A download goes on where it stopped, and a file takes its name only when it is whole and right."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from becalm import UserError
from becalm.files.fetch import fetch, md5
from becalm.files.lock import hold

HINT = "name a folder"
CONTENT = b"0123456789" * 20_000
DIGEST = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class _Mirror(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; /bad/ serves rubbish, /cut/ stops half-way on a first request."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        if self.path.startswith("/none/"):
            self.send_error(404)
            return
        body = b"rubbish" if self.path.startswith("/bad/") else CONTENT
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        cut = self.path.startswith("/cut/") and not start
        self.wfile.write(body[start : len(body) // 2 if cut else None])

    def log_message(self, format: str, *args: object) -> None:
        """Stays quiet."""


@pytest.fixture
def mirror() -> Iterator[tuple[str, list[str]]]:
    handler = type("Mirror", (_Mirror,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_next_mirror_serves_when_one_has_nothing_or_rubbish(tmp_path: Path, mirror: tuple[str, list[str]]) -> None:
    root, _ = mirror
    fetch(tmp_path / "x", (f"{root}/none/", f"{root}/bad/", f"{root}/good/"), md5(DIGEST), hint=HINT)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path, mirror: tuple[str, list[str]]) -> None:
    root, asked = mirror
    (tmp_path / "x.part").write_bytes(CONTENT[:70_000])
    fetch(tmp_path / "x", (f"{root}/good/",), md5(DIGEST), hint=HINT)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert asked == ["/good/x bytes=70000-"]


def test_the_next_mirror_goes_on_where_the_last_one_stopped(tmp_path: Path, mirror: tuple[str, list[str]]) -> None:
    root, asked = mirror
    fetch(tmp_path / "x", (f"{root}/cut/", f"{root}/good/"), md5(DIGEST), hint=HINT)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert asked == ["/cut/x", "/good/x bytes=100000-"]


def test_a_file_never_takes_its_name_before_it_is_whole(tmp_path: Path, mirror: tuple[str, list[str]]) -> None:
    root, _ = mirror
    with pytest.raises(UserError, match=HINT):
        fetch(tmp_path / "x", (f"{root}/cut/",), md5(DIGEST), hint=HINT)
    assert not (tmp_path / "x").exists()
    assert (tmp_path / "x.part").stat().st_size == len(CONTENT) // 2


def test_a_whole_file_is_not_asked_for_again(tmp_path: Path, mirror: tuple[str, list[str]]) -> None:
    root, asked = mirror
    (tmp_path / "x").write_bytes(CONTENT)
    fetch(tmp_path / "x", (f"{root}/good/",), md5(DIGEST), hint=HINT)
    assert asked == []


def test_no_mirror_in_reach_is_one_sentence_that_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^[^\n]*name a folder$"):
        fetch(tmp_path / "x", ("http://127.0.0.1:9/",), md5(DIGEST), hint=HINT)


def test_a_second_download_of_a_file_is_refused(tmp_path: Path, mirror: tuple[str, list[str]]) -> None:
    root, asked = mirror
    with hold(tmp_path / "x"), pytest.raises(UserError, match="is at work on the download of .*x: wait"):
        fetch(tmp_path / "x", (f"{root}/good/",), md5(DIGEST), hint=HINT)
    assert asked == []
