"""A job: a generator of reports at work in a thread of its own, so that it can be watched from afar, and stopped.

It computes while it holds the lock, a report at a time. Stopped, it is closed before its next report, so that its
``finally`` blocks run.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from becalm.plugin.report import Picture, Report
from becalm_apps.cli.error_boundary import explain
from becalm_apps.studio.session.fair_lock import FairLock


class Job:
    """One job, begun at once.

    Args:
        work: Makes the generator; called in the job's thread.
        lock: What it shares the computer by.

    Attributes:
        waits: Whether it waits for others at the moment.
        finished: Whether it came to its own end.
        error: How it failed, in a sentence; None if it did not.
    """

    def __init__(self, work: Callable[[], Iterator[Report]], lock: FairLock) -> None:
        self.waits = self.finished = False
        self.error: str | None = None
        self._work, self._fair_lock = work, lock
        self._stopped, self._ended = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._news: list[Report] = []
        self._thread = threading.Thread(target=self._run, daemon=True, name="job")
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing of it is at work any more."""
        return self._ended.is_set()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Asks it to stop: it ends before its next report."""
        self._stopped.set()

    def join(self, seconds: float) -> bool:
        """Waits for its end; whether it came."""
        return self._ended.wait(seconds)

    def take(self) -> list[Report]:
        """What is new since it was last asked; of several pictures the last."""
        with self._lock:
            news, self._news = self._news, []
        return news

    def _put(self, report: Report) -> None:
        with self._lock:
            if isinstance(report, Picture):
                self._news = [other for other in self._news if not isinstance(other, Picture)]
            self._news.append(report)

    def _run(self) -> None:
        reports: Iterator[Report] | None = None
        try:
            reports = self._work()
            while not self.stopped:
                self.waits = True
                begun = time.monotonic()
                with self._fair_lock.hold(self._stopped.is_set) as mine:
                    self.waits = False
                    if not mine:
                        break
                    report = next(reports)
                self._put(report)
                if isinstance(report, Picture):
                    # It stands for its time, which others have to themselves.
                    self._stopped.wait(max(0.0, report.seconds - (time.monotonic() - begun)))
        except StopIteration:
            self.finished = True
        except BaseException as error:  # A stranger's panel can raise anything; it must not be taken for a good end.
            self.error = explain(error)
        finally:
            with contextlib.suppress(Exception):
                getattr(reports, "close", lambda: None)()
            self._ended.set()
