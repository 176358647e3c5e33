"""A real MLflow server on loopback, started by ``becalm runs open``: a training that was killed and resumed is one run
there, with all that the training left on disk, and its checkpoint a model that samples."""

import base64
import io
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import pytest
import torch
from mlflow_server import Server, answers, invoke
from PIL import Image
from running import environment_with, started, until

import becalm as library
from becalm.files.checkpoint import Checkpoint
from becalm_apps.main import main
from becalm_apps.tracking.manifest import RunManifest, flatten, manifest_path

Run = Callable[..., tuple[int, str, str]]
FLAGS = ["--precision", "fp32", "--device", "cpu", "--every", 40]
STEPS = 160
PATIENCE = 600
"""Seconds until a test gives up waiting for the server or its recorder."""


@dataclass(frozen=True)
class Trained:
    """A training that was killed, resumed and tracked."""

    out: Path
    run: dict[str, Any]
    resumed: int

    @property
    def id(self) -> str:
        return str(self.run["info"]["run_id"])

    @property
    def lines(self) -> list[dict[str, float]]:
        return [json.loads(line) for line in self.out.with_suffix(".jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def start(plugins: list[str]) -> Callable[..., Popen[str]]:
    """Starts a command as a process of its own."""

    def begin(folder: Path, *words: object, module: str = "becalm_apps.main", **env: str) -> Popen[str]:
        environment = environment_with(plugins, BECALM_TRACKING_WAIT="300", **env)
        return started(words, folder, environment, module=module, stderr=subprocess.DEVNULL)

    return begin


@pytest.fixture(scope="module")
def server(start: Callable[..., Popen[str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page that ``becalm runs open`` serves; it ends with the command."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").touch()
    program = start(folder, "runs", "open", "--tracking", "mlflow.db", "--port", 0)
    assert program.stdout is not None
    address = program.stdout.readline().split(" ")[0]
    assert address.startswith("http://127.0.0.1:")
    yield Server(address)
    program.send_signal(signal.SIGINT)
    assert program.wait(60) == 130
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address}/health", timeout=5)


WORDS = ["toy", "train", *FLAGS, "--steps", STEPS, "--net.pause", 0.01]


@pytest.fixture(scope="module")
def tracked(server: Server, start: Callable[..., Popen[str]], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A training killed by a signal that nothing can catch, and resumed without a word on where it is tracked."""
    folder = tmp_path_factory.mktemp("tracked")
    out = folder / "a.safetensors"
    program = start(folder, *WORDS, "--tracking", server.address, "--out", out)
    until(out.exists, PATIENCE)
    # It stands still until its recorder has caught up, however busy the machine is; then it is gone at once.
    program.send_signal(signal.SIGSTOP)
    until(lambda: RunManifest.read(manifest_path(out)).logged > 20, PATIENCE)
    program.kill()
    program.wait(60)
    resumed = int(Checkpoint.read(out).config["step"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BECALM_TRACKING_WAIT", "300")
        patch.delenv("BECALM_TRACKING")
        with pytest.raises(SystemExit, match="0"):
            main(["toy", "train", "--resume", "--every", "40", "--device", "cpu", "--quiet", "--out", str(out)])
    experiments = server.post("experiments/search", max_results=10)["experiments"]
    (number,) = [found["experiment_id"] for found in experiments if found["name"] == "toy"]
    (run,) = server.post("runs/search", experiment_ids=[number])["runs"]
    return Trained(out, run, resumed)


def test_killed_and_resumed_is_one_run_that_is_finished(tracked: Trained) -> None:
    assert 40 <= tracked.resumed < STEPS
    info = tracked.run["info"]
    assert (info["run_name"], info["status"]) == ("a", "FINISHED")
    assert (info["end_time"] - info["start_time"]) / 1000 == pytest.approx(tracked.lines[-1]["seconds"], abs=2e-3)


def test_tracked_killed_and_resumed_ends_in_the_bits_of_a_training_left_alone(tracked: Trained, becalm: Run) -> None:
    assert becalm(*WORDS, "--no-tracking", "--out", "alone.safetensors")[0] == 0
    for end in (".safetensors", ".resume.safetensors"):
        alone, kept = (Checkpoint.read(path.with_suffix(end)) for path in (Path("alone"), tracked.out))
        assert alone.config == kept.config
        assert all(torch.equal(alone.tensors[name], kept.tensors[name]) for name in alone.tensors)


@pytest.mark.parametrize("metric", ["loss", "norm", "rate"])
def test_every_step_of_the_log_is_there_once(metric: str, server: Server, tracked: Trained) -> None:
    expected = [(int(line["step"]), line[metric]) for line in tracked.lines]
    assert server.history(tracked.id, metric) == expected
    assert [step for step, _ in expected] == list(range(1, STEPS + 1))


def test_the_settings_are_parameters(tracked: Trained) -> None:
    config = Checkpoint.read(tracked.out).config
    plan = {name: config[name] for name in ("domain", "settings", "schedule", "objective", "training")}
    assert {entry["key"]: entry["value"] for entry in tracked.run["data"]["params"]} == flatten(plan)


def test_its_config_file_is_the_trainings(server: Server, tracked: Trained, becalm: Run) -> None:
    Path("config.toml").write_bytes(server.artifact(tracked.id, "config.toml"))
    words = ["--steps", STEPS, "--net.pause", 0.01, "--precision", "fp32"]
    printed = [becalm("toy", "train", *flags, "--print-config")[1] for flags in (["--config", "config.toml"], words)]
    assert printed[0] == printed[1] != ""


def test_the_samples_the_machine_and_the_code_are_there(server: Server, tracked: Trained) -> None:
    files = [entry["path"] for entry in server.ask("artifacts/list", run_id=tracked.id, path="images")["files"]]
    last = next(path for path in files if f"samples+step+{STEPS}+" in path and path.endswith(".png"))
    picture = Image.open(io.BytesIO(server.artifact(tracked.id, last)))
    assert picture.tobytes() == Image.open(tracked.out.with_suffix(".png")).convert("RGB").tobytes()
    metrics = {entry["key"] for entry in tracked.run["data"]["metrics"]}
    assert {"system/cpu_utilization_percentage", "system/process_memory_megabytes", "steps_per_second"} <= metrics
    tags = {entry["key"]: entry["value"] for entry in tracked.run["data"]["tags"]}
    assert tags["becalm.digest"] == Checkpoint.read(tracked.out).digest
    assert tags["code.becalm"].startswith(library.__version__) and tags["code.becalm-toy"].startswith("1.2.3")


def test_runs_lists_what_the_server_has(server: Server, tracked: Trained, becalm: Run) -> None:
    code, out, err = becalm("runs", "--tracking", server.address, "--json")
    assert (code, err) == (0, "")
    (run,) = json.loads(out)["runs"]
    assert (run["id"], run["name"], run["domain"], run["state"]) == (tracked.id, "a", "toy", "finished")
    assert (run["step"], run["settings"]["training.steps"]) == (STEPS, str(STEPS))
    assert run["metrics"]["loss"] == tracked.lines[-1]["loss"]
    assert run["model"].startswith("toy-a/")
    assert becalm("runs", "--tracking", server.address, "--domain", "toy")[1].splitlines()[1].startswith(tracked.id[:8])
    assert json.loads(becalm("runs", "--tracking", server.address, "--domain", "images", "--json")[1]) == {"runs": []}
    code, _, err = becalm("runs", "compare", "a", "aa", "--tracking", server.address)
    assert (code, err) == (2, "becalm: unknown run 'aa': known are a; did you mean 'a'?\n")


@pytest.mark.slow
def test_a_checkpoint_that_was_not_tracked_is_added_and_compared(
    server: Server, tracked: Trained, becalm: Run, trained: Path
) -> None:
    for name in ("mnist", trained):
        code, out, err = becalm("runs", "add", name, "--tracking", server.address, "--json")
        assert (code, err) == (0, "") and json.loads(out)["version"] == "1"
    assert RunManifest.read(manifest_path(trained)).logged == 5
    # What is there already is not sent again, but for the model.
    run = json.loads(becalm("runs", "add", trained, "--tracking", server.address, "--json")[1])
    assert run["version"] == "2" and len(server.history(run["run"], "loss")) == 5
    code, out, _ = becalm("runs", "compare", "a", "mnist", trained.stem, "--tracking", server.address, "--json")
    compared = json.loads(out)
    assert code == 0 and len(compared) == 3
    assert compared[tracked.id]["domain"] == "toy" and compared[tracked.id]["steps"] == STEPS
    assert compared[run["run"]]["training.steps"] == "5"
    assert "schedule.offset" not in compared[tracked.id], "what all have alike is left out"


def test_the_registered_checkpoint_samples_as_the_model_does(
    server: Server, tracked: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow
    from mlflow.exceptions import MlflowException

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow.set_tracking_uri(server.address)
    loaded = mlflow.pyfunc.load_model("models:/toy-a/" + version(server, tracked))
    answers = loaded.predict([{"count": 3, "steps": 4, "seed": 5, "side": "right"}, {"count": 1}])
    model = library.load(tracked.out, device="cpu")
    samples = model.sample(count=3, steps=4, seed=5, side="right")
    assert np.array_equal(np.array(answers[0]["samples"]["x"], dtype=np.float32), samples.data.numpy())
    kind, _, content = answers[0]["picture"].partition(";base64,")
    assert (kind, base64.b64decode(content)) == ("data:image/png", samples.picture().content)
    assert answers[1]["checkpoint"] == model.digest
    for wrong, says in (
        ({"cuont": 3}, "unknown key 'cuont'"),
        ({"steps": 0}, "steps must be greater than or equal to 1"),
    ):
        with pytest.raises(MlflowException, match=says):
            loaded.predict([wrong])


def version(server: Server, tracked: Trained) -> str:
    """The newest version of the training's model; one version per ending."""
    query = {"filter": "name = 'toy-a'", "order_by": "version_number DESC"}
    found = server.ask("model-versions/search", **query)["model_versions"]
    assert {entry["run_id"] for entry in found} == {tracked.id}
    return str(found[0]["version"])


def test_no_pickle_is_registered(server: Server, tracked: Trained) -> None:
    import mlflow

    mlflow.set_tracking_uri(server.address)
    folder = Path(mlflow.artifacts.download_artifacts("models:/toy-a/" + version(server, tracked)))
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"model_code.py", "artifacts/a.safetensors"} <= names
    assert {Path(name).suffix for name in names} <= {".py", ".safetensors", ".yaml", ".txt", ""}


@pytest.mark.slow
def test_mlflow_serves_it_on_loopback(server: Server, tracked: Trained, start: Callable[..., Popen[str]]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["models", "serve", "-m", "models:/toy-a/" + version(server, tracked), "--env-manager", "local", "-p", port]
    # As in an environment that is activated: MLflow starts its server by name.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {"MLFLOW_TRACKING_URI": server.address, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}
    program = start(tracked.out.parent, *words, module="mlflow", **env)
    try:
        until(lambda: program.poll() is not None or answers(f"http://127.0.0.1:{port}/ping"), PATIENCE)
        assert program.poll() is None
        code, answer = invoke(port, [{"count": 2, "steps": 3, "seed": 9}])
        samples = library.load(tracked.out, device="cpu").sample(count=2, steps=3, seed=9)
        got = np.array(answer["predictions"][0]["samples"]["x"], dtype=np.float32)
        assert code == 200 and np.array_equal(got, samples.data.numpy())
        code, answer = invoke(port, [{"side": "middle"}])
        assert code == 400 and "side must be 'left' or 'right', got 'middle'" in answer["message"]
    finally:
        program.send_signal(signal.SIGINT)
        program.wait(60)
