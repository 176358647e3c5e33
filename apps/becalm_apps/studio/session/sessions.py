"""Sessions of visitors: each has its own jobs and its own folders, which vanish when the visitor leaves.

A browser's page says so. Who is no browser may go without a word, so what was not asked for in an hour is taken for
left, and there is a bound to how many sessions there are, to their folders, and to the jobs that are at work.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from becalm.errors import UserError
from becalm.plugin.report import Report
from becalm_apps.studio.session.fair_lock import FairLock
from becalm_apps.studio.session.job import Job

_PATIENCE = 60.0
_LAST = 10.0
_UNSEEN = 3600.0
_SESSIONS = 300
_FOLDERS = 64
_JOBS = 100


class Sessions:
    """The jobs at work, by session and panel.

    Args:
        folder: Where the folders of sessions lie.

    Attributes:
        uploads: Where what is uploaded lies.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock = FairLock()
        self.uploads = folder / "cache"
        self._folder = folder
        self._lock = threading.Lock()
        self._jobs: dict[tuple[str, str], Job] = {}
        self._folders: dict[str, list[Path]] = {}
        self._clock = clock
        self._seen: dict[str, float] = {}

    def folder(self, session: str) -> Path:
        """A new folder of a session's; of many the oldest goes."""
        self._see(session)
        with self._lock:
            mine = self._folders.setdefault(session, [])
            mine.append(Path(tempfile.mkdtemp(prefix="job-", dir=self._folder)))
            old, mine[:] = mine[:-_FOLDERS], mine[-_FOLDERS:]
            new = mine[-1]
        for folder in old:
            shutil.rmtree(folder, ignore_errors=True)
        return new

    def begin(self, session: str, panel: str, work: Callable[[], Iterator[Report]]) -> Job:
        """A job, in place of the one that the session has in that panel.

        Raises:
            UserError: If too many are at work.
        """
        self._see(session)
        with self._lock:
            before = self._jobs.get((session, panel))
            if before is not None:
                before.stop()
            if sum(not job.ended for job in self._jobs.values()) >= _JOBS:
                raise UserError(f"the studio has {_JOBS} runs at work, and takes no more: try again in a while")
            job = self._jobs[session, panel] = Job(work, self.lock)
        return job

    def job(self, session: str, panel: str) -> Job | None:
        """The session's job in a panel, if there is one."""
        with self._lock:
            if session in self._seen:
                self._seen[session] = self._clock()
            return self._jobs.get((session, panel))

    def _see(self, session: str) -> None:
        """Notes that a session is there, and has those leave that have not been, or are too many."""
        with self._lock:
            self._seen.pop(session, None)
            self._seen[session] = now = self._clock()
            ranked = sorted(self._seen, key=self._seen.__getitem__)
            gone = [other for other in ranked if self._seen[other] < now - _UNSEEN]
            gone += ranked[len(gone) : max(len(ranked) - _SESSIONS, len(gone))]
        for other in gone:
            self.leave(other)

    def stop(self, session: str, panel: str) -> None:
        """Stops the session's job in a panel, if there is one."""
        job = self.job(session, panel)
        if job is not None:
            job.stop()

    def leave(self, session: str) -> None:
        """Stops all that a session has, and deletes its files once it has ended."""
        with self._lock:
            mine = [self._jobs.pop(key) for key in list(self._jobs) if key[0] == session]
            folders = self._folders.pop(session, [])
            self._seen.pop(session, None)
        for job in mine:
            job.stop()

        def clear() -> None:
            for job in mine:
                job.join(_PATIENCE)
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)

        threading.Thread(target=clear, daemon=True, name="leave").start()

    def close(self) -> None:
        """Stops all jobs, and waits for what is being computed: a thread that dies within it would take all down."""
        with self._lock:
            mine = list(self._jobs.values())
        for job in mine:
            job.stop()
        for job in mine:
            job.join(_LAST)
