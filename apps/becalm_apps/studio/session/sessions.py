"""Sessions of visitors: each has its own jobs and its own folder, which vanish when the visitor leaves."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from becalm.plugin.report import Report
from becalm_apps.studio.session.fair_lock import FairLock
from becalm_apps.studio.session.job import Job

_PATIENCE = 60.0
_LAST = 10.0


class Sessions:
    """The jobs at work, by session and panel.

    Args:
        folder: Where the folders of sessions lie.

    Attributes:
        uploads: Where what is uploaded lies.
    """

    def __init__(self, folder: Path) -> None:
        self.lock = FairLock()
        self.uploads = folder / "cache"
        self._folder = folder
        self._lock = threading.Lock()
        self._jobs: dict[tuple[str, str], Job] = {}
        self._folders: dict[str, Path] = {}

    def folder(self, session: str) -> Path:
        """A new folder of a session's."""
        with self._lock:
            if session not in self._folders:
                self._folders[session] = Path(tempfile.mkdtemp(prefix="session-", dir=self._folder))
            return Path(tempfile.mkdtemp(prefix="job-", dir=self._folders[session]))

    def begin(self, session: str, panel: str, work: Callable[[], Iterator[Report]]) -> Job:
        """A job, in place of the one that the session has in that panel."""
        with self._lock:
            before = self._jobs.get((session, panel))
            if before is not None:
                before.stop()
            job = self._jobs[session, panel] = Job(work, self.lock)
        return job

    def job(self, session: str, panel: str) -> Job | None:
        """The session's job in a panel, if there is one."""
        with self._lock:
            return self._jobs.get((session, panel))

    def stop(self, session: str, panel: str) -> None:
        """Stops the session's job in a panel, if there is one."""
        job = self.job(session, panel)
        if job is not None:
            job.stop()

    def leave(self, session: str) -> None:
        """Stops all that a session has, and deletes its files once it has ended."""
        with self._lock:
            mine = [self._jobs.pop(key) for key in list(self._jobs) if key[0] == session]
            folder = self._folders.pop(session, None)
        for job in mine:
            job.stop()

        def clear() -> None:
            for job in mine:
                job.join(_PATIENCE)
            if folder is not None:
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
