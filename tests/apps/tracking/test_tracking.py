"""A tracked training ends in the same bits as one that is not, whatever its tracker does; the store has it all."""

import json
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
from checkpoints import same
from running import until

from becalm.files.checkpoint import Checkpoint
from becalm_apps.tracking.manifest import RunManifest, manifest_path

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
def defer_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a training wait for its recorder, however busy the machine is."""
    monkeypatch.setenv("BECALM_TRACKING_WAIT", "300")


@pytest.fixture
def store(defer_interrupts: None, tmp_path: Path) -> Path:
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


@pytest.mark.parametrize("how", ["gone", pytest.param("garbage", marks=pytest.mark.slow)])
def test_a_training_whose_store_fails_says_so_once_and_ends_in_the_same_bits(
    how: str, becalm: Run, defer_interrupts: None, closed: str, tmp_path: Path
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


@pytest.mark.slow
def test_by_default_a_file_keeps_all_and_what_resuming_changed_is_a_tag(
    becalm: Run, defer_interrupts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    (run,) = json.loads(out)["runs"]
    assert (run["step"], run["settings"]["training.steps"], run["model"]) == (40, "40", "toy-a/2")
    assert rows(store, "SELECT value FROM params WHERE key = 'training.steps'") == [("30",)]
    assert rows(store, "SELECT count(*) FROM metrics WHERE key = 'loss'") == [(40,)]
    assert (tmp_path / "runs" / "mlruns" / "toy").is_dir()


def test_an_untracked_training_takes_the_note_of_an_older_one_away(becalm: Run, tmp_path: Path) -> None:
    manifest = manifest_path(tmp_path / "a.safetensors")
    RunManifest(uri="http://there", config={}, started=0.0, run_id="old").write(manifest)
    assert becalm("toy", "train", *FLAGS, "--steps", 2, "--out", "a.safetensors", "--no-tracking")[0] == 0
    assert not manifest.exists()
