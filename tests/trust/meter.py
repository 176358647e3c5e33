"""What a process holds, read from /proc: memory, file handles, threads, processor time."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Held:
    """At a time: MiB of memory, open handles, threads, seconds of processor time."""

    when: float
    memory: float
    handles: int
    threads: int
    busy: float


def held(pid: int) -> Held:
    """What a process and those that it started hold, together."""
    total = [0.0, 0, 0, 0.0]
    for one in (pid, *_below(pid)):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            handles = sum(1 for _ in Path(f"/proc/{one}/fd").iterdir())
        except OSError:
            continue
        total[0] += int(fields[21]) * _PAGE / 2**20
        total[1] += handles
        total[2] += int(fields[17])
        total[3] += (int(fields[11]) + int(fields[12])) / _TICKS
    return Held(time.monotonic(), total[0], int(total[1]), int(total[2]), total[3])


def _below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in map(int, children):
            yield child
            yield from _below(child)


@contextmanager
def metering(pid: int, every: float = 0.5) -> Iterator[list[Held]]:
    """What a process holds, again and again while the block runs."""
    seen, ended = [held(pid)], Event()

    def look() -> None:
        while not ended.wait(every):
            seen.append(held(pid))

    thread = Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
        seen.append(held(pid))
