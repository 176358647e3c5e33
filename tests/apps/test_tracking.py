"""A tracked training ends in the same bits as one that is not, whatever its tracker does; the store has it all."""

import json
import math
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from subprocess import Popen

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm.checkpoint import Checkpoint
from becalm.errors import UserError
from becalm_apps.tracking.note import Note, beside, flat, header
from becalm_apps.tracking.points import POINTS, Point, Tail
from becalm_apps.tracking.where import address, chosen, public, reason

Run = Callable[..., tuple[int, str, str]]
FLAGS = ["--precision", "fp32", "--device", "cpu", "--every", 20]
SEES = """
import sys
from becalm_apps.main import main
try:
    main(sys.argv[1:])
finally:
    print(sorted({"mlflow", "sqlalchemy", "pandas"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a training wait for its recorder, however busy the machine is."""
    monkeypatch.setenv("BECALM_TRACKING_WAIT", "300")


@pytest.fixture
def store(patient: None, tmp_path: Path) -> Path:
    """A store of the test's own."""
    file = tmp_path / "runs" / "mlflow.db"
    file.parent.mkdir()
    code = "import sys, mlflow; mlflow.MlflowClient(sys.argv[1]).search_experiments()"
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{file}"], check=True, capture_output=True, cwd=file.parent)
    return file


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """The address of a server that is not there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def rows(store: Path, question: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(store) as database:
        return database.execute(question).fetchall()


def same(first: Path, second: Path) -> bool:
    one, two = Checkpoint.read(first), Checkpoint.read(second)
    return one.config == two.config and all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)


# What a tracker must never do


@pytest.mark.parametrize("how", ["gone", pytest.param("garbage", marks=pytest.mark.slow)])
def test_a_training_whose_store_fails_says_so_once_and_ends_in_the_same_bits(
    how: str, becalm: Run, patient: None, closed: str, tmp_path: Path
) -> None:
    (tmp_path / "garbage.db").write_bytes(b"no database" * 100)
    uri = {"gone": closed, "garbage": "garbage.db"}[how]
    assert becalm("toy", "train", *FLAGS, "--steps", 60, "--out", "alone.safetensors", "--no-tracking")[0] == 0
    code, out, err = becalm("toy", "train", *FLAGS, "--steps", 60, "--out", "a.safetensors", "--tracking", uri)
    assert code == 0 and out.startswith("a.safetensors: 60 steps in ")
    assert same(tmp_path / "a.safetensors", tmp_path / "alone.safetensors")
    assert same(tmp_path / "a.resume.safetensors", tmp_path / "alone.resume.safetensors")
    assert err.startswith("becalm: tracking fails, the training does not: ")
    assert ("refused" if how == "gone" else "not a database") in err
    assert err.endswith("; a.jsonl has every step\n") and err.count("\n") == 1


def test_a_training_imports_no_mlflow_and_ctrl_c_leaves_a_tracker_that_never_answers(
    process: Callable[..., Popen[str]], silent: str, environment: dict[str, str], tmp_path: Path
) -> None:
    environment["BECALM_TRACKING_WAIT"] = "300"
    words = ["toy", "train", *FLAGS, "--steps", 60, "--out", "a.safetensors", "--tracking", silent]
    program = process(*words, code=SEES)
    assert program.stdout is not None
    assert program.stdout.readline().startswith("a.safetensors: 60 steps in ")
    time.sleep(1)  # Until it waits.
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, "[]\n")
    assert Checkpoint.read(tmp_path / "a.safetensors").config["step"] == 60


@pytest.mark.slow
def test_a_locked_store_holds_up_nothing_and_has_it_all_once_it_opens(
    becalm: Run, process: Callable[..., Popen[str]], store: Path, tmp_path: Path
) -> None:
    with sqlite3.connect(store, isolation_level=None) as database:
        database.execute("BEGIN EXCLUSIVE")
        code, _, err = becalm("toy", "train", *FLAGS, "--steps", 60, "--out", "a.safetensors", "--tracking", store)
        assert code == 0 and "locked" in err
        database.execute("ROLLBACK")
    code, _, err = becalm("runs", "add", "a.safetensors", "--tracking", store)
    assert (code, err) == (0, "")
    assert rows(store, "SELECT count(*) FROM metrics WHERE key = 'loss'") == [(60,)]


def test_without_mlflow_one_line_says_so(becalm: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Without(PathFinder):
        @classmethod
        def find_spec(cls, name, path=None, target=None):  # type: ignore[no-untyped-def, override]
            return None if name.split(".")[0] == "mlflow" else super().find_spec(name, path, target)

    monkeypatch.delenv("BECALM_TRACKING")
    monkeypatch.setattr(sys, "meta_path", [Without if entry is PathFinder else entry for entry in sys.meta_path])
    for name in [name for name in sys.modules if name.split(".")[0] == "mlflow"]:
        monkeypatch.delitem(sys.modules, name)
    code, _, err = becalm("toy", "train", *FLAGS, "--steps", 5, "--out", "a.safetensors")
    assert code == 0
    assert err == (
        "becalm: this training is not tracked, since mlflow is not installed: pip install 'becalm[tracking]', "
        "or train with --no-tracking\n"
    )
    code, _, err = becalm("runs", "--tracking", "http://127.0.0.1:9")
    assert code == 2
    assert "mlflow" in err and "pip install 'becalm[tracking]'" in err


@pytest.mark.slow
def test_a_training_that_fails_is_a_failed_run_without_a_model(becalm: Run, store: Path) -> None:
    words = ["--steps", 60, "--rate", 1e38, "--warmup", 0, "--every", 20, "--tracking", str(store)]
    code, _, err = becalm("toy", "train", *FLAGS, *words, "--out", "a.safetensors")
    assert code == 2 and "no longer finite" in err
    until(lambda: rows(store, "SELECT status FROM runs") == [("FAILED",)])
    assert rows(store, "SELECT * FROM model_versions") == []


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_by_default_a_file_keeps_all_and_what_resuming_changed_is_a_tag(
    becalm: Run, patient: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BECALM_TRACKING")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it in this process.
    assert becalm("toy", "train", *FLAGS, "--steps", 30, "--out", "deep/a.safetensors")[0] == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert becalm("toy", "train", "--resume", "--steps", 40, "--out", "../deep/a.safetensors")[0] == 0
    assert list(Path().iterdir()) == []
    store = tmp_path / "runs" / "mlflow.db"
    code, out, err = becalm("runs", "--tracking", store, "--json")
    assert (code, err) == (0, "")
    (run,) = json.loads(out)
    assert (run["step"], run["settings"]["training.steps"], run["model"]) == (40, "40", "toy-a/2")
    assert rows(store, "SELECT value FROM params WHERE key = 'training.steps'") == [("30",)]
    assert rows(store, "SELECT count(*) FROM metrics WHERE key = 'loss'") == [(40,)]
    assert (tmp_path / "runs" / "mlruns" / "toy").is_dir()


# Where


@pytest.mark.parametrize(
    ("flag", "becalm_says", "mlflow_says", "found"),
    [
        ("http://here:5000", "off", None, "http://here:5000"),
        (None, "off", "http://there", None),
        (None, "http://a", "http://b", "http://a"),
        (None, None, "http://b", "http://b"),
        (None, None, None, "sqlite:///{here}/runs/mlflow.db"),
        ("x.db", None, None, "sqlite:///{here}/x.db"),
        ("sqlite:///x.db", None, None, "sqlite:///{here}/x.db"),
        ("postgresql+psycopg2://me:word@there/runs", None, None, "postgresql+psycopg2://me:word@there/runs"),
    ],
)
def test_the_flag_counts_before_the_environment(
    flag: str | None,
    becalm_says: str | None,
    mlflow_says: str | None,
    found: str | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (("BECALM_TRACKING", becalm_says), ("MLFLOW_TRACKING_URI", mlflow_says)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert chosen(flag) == (None if found is None else found.format(here=tmp_path))


@pytest.mark.parametrize("text", ["ftp://there", "runs", "file:///runs", "off", "a b"])
def test_what_mlflow_cannot_use_is_refused_before_anything_is_trained(text: str, becalm: Run, tmp_path: Path) -> None:
    code, out, err = becalm("toy", "train", "--out", "a.safetensors", "--tracking", text)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert repr(text) in err
    assert list(tmp_path.iterdir()) == []


def test_tracking_and_no_tracking_together_are_refused(becalm: Run) -> None:
    code, _, err = becalm("toy", "train", "--out", "a.safetensors", "--no-tracking", "--tracking", "x.db")
    assert (code, err) == (2, "becalm: --no-tracking tracks nothing: leave out --tracking x.db\n")


def test_no_password_is_shown_or_kept() -> None:
    assert public("postgresql://me:word@there/runs") == "postgresql://***@there/runs"
    assert public("becalm train --tracking http://a:b@c --out d@e") == "becalm train --tracking http://***@c --out d@e"
    with pytest.raises(UserError, match=r"got 'ftp://\*\*\*@there'"):
        address("ftp://me:word@there")
    assert "word" not in reason(RuntimeError("cannot reach http://me:word@there\nmore"))


def test_a_cause_is_told_without_what_led_to_it() -> None:
    told = (
        "API request to http://a failed with exception HTTPConnectionPool(host='a', port=9): Max retries exceeded with "
        "url: /x (Caused by NewConnectionError(\"HTTPConnection(host='a', port=9): Failed to establish a new "
        'connection: [Errno 111] Connection refused"))'
    )
    assert reason(RuntimeError(told)) == "Connection refused"
    assert reason(RuntimeError()) == "RuntimeError"


# What is logged


def line(step: int) -> str:
    values = {"loss": math.sin(step), "norm": float(step % 7), "rate": 1 / step, "seconds": step / 8}
    return json.dumps({"step": step, **values}) + "\n"


def points(path: Path, cuts: list[int], steps: int) -> list[Point]:
    """What is read of a log that is written up to each cut in turn, by a reader that then has to begin again."""
    text = "".join(line(step) for step in range(1, steps + 1)).encode()
    found: list[Point] = []
    for cut in [*sorted(cuts), len(text)]:
        path.write_bytes(text[: min(cut, len(text))])
        tail = Tail(path, steps, found[-1].step if found else 0)
        found += tail.read(end=cut == len(text))
    return found


@settings(deadline=None, max_examples=25)
@given(cuts=st.lists(st.integers(0, 200_000), max_size=4), steps=st.sampled_from([1, 7, 2000, 2001]))
def test_points_are_the_same_however_often_the_reader_was_stopped(
    cuts: list[int], steps: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.jsonl"
    assert points(path, cuts, steps) == points(path, [], steps)


@pytest.mark.parametrize("steps", [1, 2000, 2001, 6_000])
def test_a_long_training_is_thinned_to_means_of_equal_windows(steps: int, tmp_path: Path) -> None:
    found = points(tmp_path / "a.jsonl", [], steps)
    window = -(-steps // POINTS)
    assert len(found) <= POINTS
    assert [point.step for point in found] == sorted({*range(window, steps + 1, window), steps})
    begun = 0
    for point in found:
        span = range(begun + 1, point.step + 1)
        assert point.values["loss"] == pytest.approx(sum(map(math.sin, span)) / len(span))
        assert point.values["rate"] == 1 / point.step
        assert point.values["steps_per_second"] == pytest.approx(8)
        begun = point.step


def test_settings_are_flat_text() -> None:
    assert flat({"a": {"b": 1e-3, "c": None, "d": {"e": [1, 2]}}, "f": "text", "g": True}) == {
        "a.b": "0.001",
        "a.d.e": "[1, 2]",
        "f": "text",
        "g": "true",
    }


def test_the_header_alone_tells_configuration_and_digest(trained: Path) -> None:
    whole = Checkpoint.read(trained)
    assert header(trained) == {"config": whole.config, "digest": whole.digest}
    (trained.parent / "a.safetensors").write_bytes(b"\xff" * 100)
    for name, says in (("a.safetensors", "is no becalm checkpoint"), ("b.safetensors", "cannot read checkpoint")):
        with pytest.raises(UserError, match=says):
            header(trained.parent / name)


def test_an_untracked_training_takes_the_note_of_an_older_one_away(becalm: Run, tmp_path: Path) -> None:
    note = beside(tmp_path / "a.safetensors")
    Note(uri="http://there", config={}, started=0.0, run_id="old").write(note)
    assert becalm("toy", "train", *FLAGS, "--steps", 2, "--out", "a.safetensors", "--no-tracking")[0] == 0
    assert not note.exists()
