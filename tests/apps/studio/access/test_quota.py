"""What is too much is refused before it is read: long requests, many uploads, large ones, more than all may keep."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from becalm_apps.studio.access.quota import Bounds, Quota

BOUNDS = Bounds(request=100, uploads=3, seconds=60, visitor=1000, hold=600, total=1500)


class Door:
    """A quota with a clock of its own, and an app that keeps what it is given."""

    def __init__(self, folder: Path) -> None:
        self.now, self.folder = 0.0, folder
        self.quota = Quota(self.app, folder, BOUNDS, lambda: self.now)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/upload":
            size = int(dict(scope["headers"])[b"content-length"])
            (self.folder / f"{self.now}-{len(list(self.folder.iterdir()))}").write_bytes(bytes(size))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def ask(self, size: int | None, *, path: str = "/upload", method: str = "POST", who: str = "a", **more: str) -> int:
        headers = more | ({} if size is None else {"content-length": str(size)})
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "path": path, "method": method, "client": (who, 1), "headers": pairs}
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.quota(scope, send, send))
        return int(sent[0]["status"])


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_a_request_says_how_long_it_is_and_is_no_longer_than_it_may_be(door: Door) -> None:
    assert door.ask(None, path="/", method="GET") == 200
    assert door.ask(100, path="/run/predict") == 200
    assert door.ask(101, path="/run/predict") == 413
    assert door.ask(None, path="/run/predict") == 411
    assert door.ask(None, path="/", method="GET", transfer_encoding="chunked") == 411
    assert door.ask(10, transfer_encoding="chunked") == 411
    assert door.ask(None, content_length="-1") == 411


def test_a_visitor_uploads_so_many_files_in_a_time_and_others_as_many(door: Door) -> None:
    assert [door.ask(1) for _ in range(4)] == [200, 200, 200, 429]
    assert door.ask(1, who="b") == 200
    door.now = 61
    assert door.ask(1) == 200


def test_a_visitor_uploads_so_much_until_files_are_removed(door: Door) -> None:
    assert [door.ask(400), door.ask(600), door.ask(1)] == [200, 200, 413]
    door.now = 601
    for file in door.folder.iterdir():
        file.unlink()
    assert door.ask(1000) == 200


def test_all_together_upload_no_more_than_is_kept(door: Door) -> None:
    assert door.ask(900, who="a") == 200
    assert door.ask(700, who="b") == 507
    assert door.ask(600, who="c") == 200


def test_uploads_under_way_count_too(tmp_path: Path) -> None:
    reached, free = [], asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["client"])
        await free.wait()

    async def both() -> list[Any]:
        quota, sent = Quota(slow, tmp_path, BOUNDS), []

        async def send(message: Any) -> None:
            sent.append(message)

        def scope(who: str) -> dict[str, Any]:
            headers = [(b"content-length", b"900")]
            return {"type": "http", "path": "/upload", "method": "POST", "client": (who, 1), "headers": headers}

        first = asyncio.create_task(quota(scope("a"), send, send))
        while not reached:
            await asyncio.sleep(0.01)
        await quota(scope("b"), send, send)
        free.set()
        await first
        return sent

    sent = asyncio.run(both())
    assert [message["status"] for message in sent if "status" in message] == [507]
