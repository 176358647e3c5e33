"""A run reports in order, takes lock with other runs, and ends when it is stopped or its visitor leaves."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import until

from becalm.errors import UserError
from becalm.plugin.report import Picture, Progress, Report
from becalm_apps.studio.session.fair_lock import FairLock
from becalm_apps.studio.session.job import Job
from becalm_apps.studio.session.sessions import Sessions


def watched(run: Job) -> list[Report]:
    """What a run reports, to its end."""
    assert run.join(20)
    return run.take()


def test_a_run_gives_its_reports_in_order_and_ends() -> None:
    run = Job(lambda: iter(["a", Progress(1, 2), "b"]), FairLock())
    assert watched(run) == ["a", Progress(1, 2), "b"]
    assert run.ended and run.finished and run.error is None


def test_stopping_closes_the_generator_before_its_next_report() -> None:
    asked, closed = threading.Event(), threading.Event()
    made: list[int] = []

    def work() -> Iterator[Report]:
        try:
            for number in range(10**6):
                made.append(number)
                if number == 3:
                    asked.set()
                yield Progress(number, 10**6)
        finally:
            closed.set()

    lock = FairLock()
    with lock.hold():  # So that it cannot run on while it is being stopped.
        run = Job(work, lock)
    assert asked.wait(20)
    run.stop()
    assert run.join(20) and closed.is_set() and not run.finished
    count = len(made)
    assert watched(run) and len(made) == count < 10**6


def test_a_run_that_waits_for_its_turn_can_be_stopped() -> None:
    lock = FairLock()
    with lock.hold():
        run = Job(lambda: iter(["never"]), lock)
        run.stop()
        assert run.join(20)
    assert watched(run) == [] and not run.finished


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UserError("too\nfew"), "too few"),
        (KeyError("x"), "internal error, KeyError: 'x'"),
        (SystemExit(3), "internal error, SystemExit: 3"),
        (OSError(28, "No space left on device", "a"), "a: No space left on device"),
    ],
)
def test_a_failure_is_the_sentence_of_the_command_line(error: BaseException, says: str) -> None:
    def work() -> Iterator[Report]:
        yield "begun"
        raise error

    run = Job(work, FairLock())
    assert watched(run) == ["begun"]
    assert run.error == says and not run.finished


def test_of_pictures_that_come_at_once_the_last_is_kept_and_no_words_are_lost() -> None:
    reports: list[Report] = [Picture("image/png", b"1"), "a", Picture("image/png", b"2"), "b"]
    run = Job(lambda: iter(reports), FairLock())
    assert run.join(20)
    assert watched(run) == ["a", Picture("image/png", b"2"), "b"]


def test_two_runs_take_turns_step_by_step() -> None:
    """A long run does not keep a short one waiting: between two of its steps the other has one."""
    order: list[str] = []

    def work(name: str, count: int) -> Iterator[Report]:
        for _ in range(count):
            order.append(name)
            yield name

    lock = FairLock()
    with lock.hold():  # Both are waiting before either begins.
        runs = [Job(lambda name=name, count=count: work(name, count), lock) for name, count in (("a", 200), ("b", 20))]
        while not all(run.waits for run in runs):
            pass
    assert all(run.join(20) for run in runs)
    last = max(place for place, name in enumerate(order) if name == "b")
    assert order[:last].count("a") <= 25


def test_a_visitor_who_leaves_takes_runs_and_files_along_and_nobody_elses(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    closed = {name: threading.Event() for name in "ab"}

    def work(name: str) -> Iterator[Report]:
        try:
            while True:
                yield name
        finally:
            closed[name].set()

    folders = {name: sessions.folder(name) for name in "ab"}
    runs = {name: sessions.begin(name, "panel", lambda name=name: work(name)) for name in "ab"}
    sessions.leave("a")
    assert closed["a"].wait(20)
    assert all(thread.name != "leave" or not thread.join(20) for thread in threading.enumerate())
    assert not folders["a"].exists() and folders["b"].is_dir() and not runs["b"].ended
    sessions.close()
    assert closed["b"].wait(20)


def test_who_has_gone_without_a_word_is_taken_for_left_after_an_hour(tmp_path: Path) -> None:
    now = [0.0]
    sessions = Sessions(tmp_path, lambda: now[0])
    folder = sessions.folder("gone")
    run = sessions.begin("gone", "panel", lambda: (Progress(number, 10**9) for number in range(10**9)))
    now[0] = 1800
    assert sessions.job("there", "panel") is None
    sessions.folder("there")
    assert sessions.job("gone", "panel") is run
    now[0] = 3700  # An hour after who is there was seen, but not after who was asked for.
    sessions.folder("new")
    assert sessions.job("gone", "panel") is run
    now[0] = 10**4
    sessions.folder("new")
    assert run.join(20) and sessions.job("gone", "panel") is None
    until(lambda: not folder.exists())


def test_sessions_their_folders_and_runs_at_work_have_a_bound(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    made = [sessions.folder("one") for _ in range(100)]
    assert [folder.exists() for folder in made] == [False] * 36 + [True] * 64
    for number in range(400):
        sessions.folder(f"visitor-{number}")
    until(lambda: len(list(tmp_path.iterdir())) == 300)
    with sessions.lock.hold():
        for number in range(100):
            sessions.begin("one", f"panel-{number}", lambda: iter(["a"]))
        with pytest.raises(UserError, match="has 100 runs at work"):
            sessions.begin("two", "panel", lambda: iter(["a"]))
        sessions.leave("one")
    sessions.close()
