"""How much may be sent: requests of a few megabytes, and uploads up to a sum, of a visitor and of all together.

Whoever sends says beforehand how much it is, as browsers do. Visitors are told apart by their addresses.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from becalm_apps.studio.access.answer import App, Receive, Scope, Send, headers_of, say

_EMPTY = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes and numbers.

    Attributes:
        request: Bytes of a request that is no upload.
        uploads, seconds: Uploads of a visitor in that many seconds.
        visitor, hold: Bytes uploaded by a visitor in that many seconds, after which files are removed.
        total: Bytes of all files that are kept.
    """

    request: int = 16 * 2**20
    uploads: int = 64
    seconds: float = 600.0
    visitor: int = 2**30
    hold: float = 3600.0
    total: int = 4 * 2**30


class Quota:
    """An app that refuses what is too much for the one behind it.

    Args:
        folder: Where uploads lie.
    """

    def __init__(
        self, app: App, folder: Path, bounds: Bounds = Bounds(), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._folder, self._bounds, self._clock = app, folder, bounds, clock
        self._sent: dict[str, deque[tuple[float, int]]] = {}
        self._coming = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = headers_of(scope)
        said = headers.get("content-length", "0" if scope["method"] in _EMPTY else "")
        if "transfer-encoding" in headers or not said.isdigit():
            await say(send, 411, "a request must say how long it is, by Content-Length")
            return
        size = int(said)
        if not scope["path"].endswith("/upload"):
            if size > self._bounds.request:
                await say(send, 413, f"a request must be of {self._bounds.request} bytes at most, got {size}")
                return
            await self._app(scope, receive, send)
            return
        visitor = (scope.get("client") or ("",))[0]
        if refusal := self._too_much(visitor, size):
            await say(send, *refusal)
            return
        self._sent.setdefault(visitor, deque()).append((self._clock(), size))
        self._coming += size
        try:
            if await asyncio.to_thread(_held, self._folder) + self._coming > self._bounds.total:
                most = f"{self._bounds.total >> 20} MiB"
                await say(send, 507, f"this studio keeps {most} of files at most, and has them: try again later")
                return
            await self._app(scope, receive, send)
        finally:
            self._coming -= size

    def _too_much(self, visitor: str, size: int) -> tuple[int, str] | None:
        """Status and sentence, if an upload is too much of a visitor's."""
        now, bounds = self._clock(), self._bounds
        for name, sent in list(self._sent.items()):
            while sent and sent[0][0] < now - bounds.hold:
                sent.popleft()
            if not sent:
                del self._sent[name]
        mine = self._sent.get(visitor, ())
        if sum(when > now - bounds.seconds for when, _ in mine) >= bounds.uploads:
            return 429, f"a visitor may upload {bounds.uploads} files in {bounds.seconds / 60:g} minutes: wait a little"
        if sum(length for _, length in mine) + size > bounds.visitor:
            most = f"{bounds.visitor >> 20} MiB in {bounds.hold / 60:g} minutes"
            return 413, f"a visitor may upload {most}: wait, or open fewer files"
        return None


def _held(folder: Path) -> int:
    """Bytes of all files below a folder."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 (a thousand files)
            except OSError:
                continue
    return size
