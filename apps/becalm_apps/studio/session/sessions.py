"""Visitors: each has its own runs and its own folder, which vanish when it leaves."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from becalm.plugin.report import Report
from becalm_apps.studio.session.fair_lock import Turns
from becalm_apps.studio.session.run import Run

_PATIENCE = 60.0
_LAST = 10.0


class Visitors:
    """The runs at work, by visitor and panel.

    Args:
        folder: Where the folders of visitors lie.
    """

    def __init__(self, folder: Path) -> None:
        self.turns = Turns()
        self._folder = folder
        self._lock = threading.Lock()
        self._runs: dict[tuple[str, str], Run] = {}
        self._folders: dict[str, Path] = {}

    def folder(self, visitor: str) -> Path:
        """A new folder of a visitor's."""
        with self._lock:
            if visitor not in self._folders:
                self._folders[visitor] = Path(tempfile.mkdtemp(prefix="visitor-", dir=self._folder))
            return Path(tempfile.mkdtemp(prefix="run-", dir=self._folders[visitor]))

    def begin(self, visitor: str, panel: str, work: Callable[[], Iterator[Report]]) -> Run:
        """A run, in place of the one that the visitor has in that panel."""
        with self._lock:
            before = self._runs.get((visitor, panel))
            if before is not None:
                before.stop()
            run = self._runs[visitor, panel] = Run(work, self.turns)
        return run

    def run(self, visitor: str, panel: str) -> Run | None:
        """The visitor's run in a panel, if there is one."""
        with self._lock:
            return self._runs.get((visitor, panel))

    def stop(self, visitor: str, panel: str) -> None:
        """Stops the visitor's run in a panel, if there is one."""
        run = self.run(visitor, panel)
        if run is not None:
            run.stop()

    def leave(self, visitor: str) -> None:
        """Stops all that a visitor has, and deletes its files once it has ended."""
        with self._lock:
            mine = [self._runs.pop(key) for key in list(self._runs) if key[0] == visitor]
            folder = self._folders.pop(visitor, None)
        for run in mine:
            run.stop()

        def clear() -> None:
            for run in mine:
                run.join(_PATIENCE)
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

        threading.Thread(target=clear, daemon=True, name="leave").start()

    def close(self) -> None:
        """Stops all runs, and waits for what is being computed: a thread that dies within it would take all down."""
        with self._lock:
            mine = list(self._runs.values())
        for run in mine:
            run.stop()
        for run in mine:
            run.join(_LAST)
