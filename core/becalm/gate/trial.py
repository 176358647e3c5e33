"""HDF5 files are read once in a process of its own, before they are read here: on some damaged ones the library breaks
down, and on some it never ends.

That process waits for names of files, and for each forks one that reads all of it; what is wrong with a file otherwise
is said by who reads it here. It ends with this process. Without ``fork``, as on Windows, there is none.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from becalm.errors import UserError

_SECONDS = 5.0
_BYTES = 5e7
"""A file may take ``_SECONDS``, and one more for each so many bytes."""
_SCRIPT = """
import json, os, sys, time
import h5py

def read(path, filters):
    with h5py.File(path, "r") as file:
        seen, left = set(), [file["/"]]
        while left:
            group = left.pop()
            dict(group.attrs)
            for key in group:
                if type(group.get(key, getlink=True)) is not h5py.HardLink:
                    continue
                address = h5py.h5o.get_info(group.id, key.encode(errors="surrogateescape")).addr
                if address in seen:
                    continue
                seen.add(address)
                node = group[key]
                if isinstance(node, h5py.Group):
                    left.append(node)
                elif isinstance(node, h5py.Dataset) and own(node, filters):
                    rows = max(1, 2**24 // max(1, node.nbytes // max(1, len(node)))) if node.shape else 1
                    for first in range(0, len(node) if node.shape else 1, rows):
                        node[first : first + rows] if node.shape else node[()]

def own(node, filters):
    plan = node.id.get_create_plist()
    packed = {plan.get_filter(number)[0] for number in range(plan.get_nfilters())}
    apart = plan.get_external_count() or plan.get_layout() == h5py.h5d.VIRTUAL
    chunk = node.dtype.itemsize
    for size in node.chunks or ():
        chunk *= size
    return not apart and packed <= filters and chunk <= 2**26 and node.dtype.kind in "fiub"

for line in sys.stdin:
    path, seconds, filters = json.loads(line)
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            read(path, set(filters))
        except BaseException:
            pass
        finally:
            os._exit(0)
    until, said = time.monotonic() + seconds, "hang"
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            said = "crash" if os.WIFSIGNALED(status) else "read"
            break
        time.sleep(0.001)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
    print(said, flush=True)
"""


class Process:
    """The process, begun when it is first asked, and anew in a process that was forked from this one.

    Args:
        script: What it runs: answers a line of JSON with a word.
    """

    def __init__(self, script: str = _SCRIPT) -> None:
        self._script = script
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0

    def ask(self, *words: object) -> str:
        """Its answer; nothing if it has none."""
        with self._lock:
            for _ in range(2):  # It may have been killed since.
                try:
                    stdin, stdout = self._pipes()
                    stdin.write(json.dumps(words) + "\n")
                    stdin.flush()
                    if said := stdout.readline().strip():
                        return str(said)
                except OSError:
                    pass
                self._process = None
        return ""

    def end(self) -> None:
        """Ends it, if this process began it."""
        if self._process is not None and self._owner == os.getpid() and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _pipes(self) -> tuple[Any, Any]:
        if self._process is None or self._owner != os.getpid():
            # -P: nothing is imported from the folder that this was started in.
            self._process = subprocess.Popen(  # noqa: S603 (our own words)
                [sys.executable, "-P", "-c", self._script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # Ctrl-C is for us.
            )
            self._owner = os.getpid()
        return self._process.stdin, self._process.stdout


_PROCESS = Process()
atexit.register(_PROCESS.end)


def check(path: Path, filters: tuple[int, ...]) -> None:
    """Has a file read elsewhere first, all that HDF5 has of it in the file itself.

    Args:
        filters: Numbers of the filters that may be used.

    Raises:
        UserError: If the library breaks down on it, or does not come to an end.
    """
    if not hasattr(os, "fork") or not sys.executable:
        return
    seconds = _SECONDS + path.stat().st_size / _BYTES
    said = _PROCESS.ask(str(path.absolute()), seconds, filters)
    if said == "crash":
        raise UserError(f"{path} is damaged: HDF5's library breaks down on it")
    if said == "hang":
        raise UserError(f"{path} is damaged: HDF5's library comes to no end with it within {seconds:.0f} s")
