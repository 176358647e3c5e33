"""Which process a file belongs to, and whether that is gone: for locks, and for what a kill leaves half-written.

A number may be given to another process later, so the time at which it began counts, too. On another machine it cannot
be told, so there its word stands. Imports no torch.
"""

import hashlib
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TAG = re.compile(r"-([0-9a-f]{8})\.(\d{1,10})\.(\d{1,20})-")


def owner() -> dict[str, Any]:
    """This process: its number, its machine, when it began."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "born": born(os.getpid())}


def is_gone(said: Mapping[str, Any]) -> bool:
    """Whether the process that ``owner`` told of is certainly no longer there."""
    pid = said.get("pid")
    if said.get("host") != socket.gethostname() or not isinstance(pid, int) or pid <= 0:
        return False
    now = born(pid)
    return now is None or (bool(now) and bool(said.get("born")) and now != said["born"])


def tag() -> str:
    """This process in a file's name: ``-1f0c9a3b.812.1723-``."""
    me = owner()
    return f"-{_short(me['host'])}.{me['pid']}.{me['born'] or 0}-"


def is_left(name: str) -> bool:
    """Whether a file's name has the tag of a process of this machine that is gone."""
    found = _TAG.search(name)
    if found is None or found[1] != _short(socket.gethostname()):
        return False
    return is_gone({"pid": int(found[2]), "host": socket.gethostname(), "born": int(found[3])})


def born(pid: int) -> int | None:
    """When a process began, in ticks since boot; 0 if that is not to be known, None if there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return int(stat.read_text().rpartition(")")[2].split()[19])
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except (OSError, ValueError, IndexError):
        return 0
    if os.name == "nt":  # There os.kill ends what it asks for.
        return 0
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (OSError, OverflowError):
        return 0
    return 0


def _short(host: str) -> str:
    return hashlib.sha256(host.encode()).hexdigest()[:8]
