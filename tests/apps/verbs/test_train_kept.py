"""What is kept of a training that diverges, is stopped by a signal, or died between two files; and what is said."""

import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from running import until

from becalm.files.checkpoint import Checkpoint

Run = Callable[..., tuple[int, str, str]]
FLAGS = ["--precision", "fp32", "--device", "cpu", "--every", 20]


def test_a_training_that_diverges_keeps_both_files_of_its_last_good_step_and_names_the_bad_one(
    becalm: Run, tmp_path: Path
) -> None:
    flags = ["--steps", 60, "--rate", 1e20, "--warmup", 0, "--every", 1, "--no-preview", "--out", "a.safetensors"]
    code, _, err = becalm("toy", "train", "--precision", "fp32", "--device", "cpu", *flags)
    assert (code, err.count("\n")) == (2, 1)
    stored = [Checkpoint.read(tmp_path / name) for name in ("a.safetensors", "a.resume.safetensors")]
    kept = stored[0].config["step"]
    assert kept >= 1 and stored[1].config["step"] == kept
    assert all(bool(value.isfinite().all()) for each in stored for value in each.tensors.values())
    log = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert all(math.isfinite(line["loss"]) for line in log if line["step"] <= kept)
    assert f" no longer finite at step {kept + 1}: lower --rate" in err
    assert err.endswith(f"a.safetensors and a.resume.safetensors are kept, of step {kept}\n")


def test_weights_that_are_not_finite_are_never_saved(becalm: Run, tmp_path: Path) -> None:
    flags = ["--steps", 3, "--rate", 1e38, "--warmup", 0, "--every", 1, "--no-preview", "--out", "a.safetensors"]
    code, _, err = becalm("toy", "train", "--precision", "fp32", "--device", "cpu", *flags)
    assert code == 2 and "the weights are no longer finite at step 1" in err and "nothing was saved before" in err
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.unlink(), "was missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "was damaged"),
        (lambda path: _rewrite(path, step=3), "was of step 3"),
        (lambda path: _rewrite(path, shift=1.0), "did not go with its resume state"),
    ],
)
def test_resuming_a_finished_training_writes_the_checkpoint_that_belongs_to_it(
    change: Callable[[Path], object], says: str, becalm: Run, trained: Path
) -> None:
    whole = Checkpoint.read(trained).digest
    change(trained)
    code, out, err = becalm("toy", "train", "--resume", "--out", trained)
    assert (code, err) == (0, f"becalm: {trained} {says}; that of step 5 is written\n")
    assert "all 5 steps are done" in out and Checkpoint.read(trained).digest == whole


def _rewrite(path: Path, step: int = 5, shift: float = 0.0) -> None:
    stored = Checkpoint.read(path)
    Checkpoint({name: value + shift for name, value in stored.tensors.items()}, {**stored.config, "step": step}).write(
        path
    )


def test_resuming_a_finished_training_draws_the_picture_that_a_kill_left_out(becalm: Run, trained: Path) -> None:
    picture = trained.with_suffix(".png")
    picture.unlink(missing_ok=True)
    assert becalm("toy", "train", "--resume", "--no-preview", "--out", trained)[0] == 0 and not picture.exists()
    assert becalm("toy", "train", "--resume", "--out", trained)[0] == 0 and picture.exists()
    drawn = picture.stat().st_mtime_ns
    assert becalm("toy", "train", "--resume", "--out", trained)[0] == 0 and picture.stat().st_mtime_ns == drawn


def test_a_training_of_half_a_checkpoint_goes_on_with_half_a_one(becalm: Run, tmp_path: Path) -> None:
    words = ("toy", "train", *FLAGS, "--no-preview", "--out")
    assert becalm(*words, "a.safetensors", "--steps", 4, "--half")[0] == 0
    assert becalm(*words, "b.safetensors", "--steps", 2, "--half", "--decay", "constant")[0] == 0
    again = becalm("toy", "train", "--resume", "--out", "b.safetensors")
    assert again[0] == 0 and again[2] == "", "what was half is not taken for damaged"
    assert becalm("toy", "train", "--resume", "--steps", 4, "--out", "b.safetensors")[0] == 0
    kinds = [
        {name: value.dtype for name, value in Checkpoint.read(tmp_path / name).tensors.items()}
        for name in ("a.safetensors", "b.safetensors")
    ]
    assert kinds[0] == kinds[1]


def test_another_version_is_named_and_stops_nothing(becalm: Run, trained: Path) -> None:
    state = trained.with_name("toy.resume.safetensors")
    stored = Checkpoint.read(state)
    Checkpoint(stored.tensors, {**stored.config, "bits": {**stored.config["bits"], "torch": "1.0"}}).write(state)
    code, _, err = becalm("toy", "train", "--resume", "--steps", 6, "--out", trained)
    says = "becalm: the bits may differ from those of a training that was never stopped: torch 1.0 then, "
    assert code == 0 and err.startswith(says) and err.count("\n") == 1
    assert becalm("toy", "train", "--resume", "--steps", 7, "--out", trained)[::2] == (0, "")


def press(number: int, condition: Callable[[], bool], times: int = 1) -> None:
    """Sends this process a signal, or several, as soon as a condition holds."""

    def wait() -> None:
        until(condition)
        for _ in range(times):
            os.kill(os.getpid(), number)
            time.sleep(0.1)

    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_save_and_say_how_to_go_on(number: int, becalm: Run, tmp_path: Path) -> None:
    press(number, (tmp_path / "a.safetensors").exists)
    words = ["--every", 3, "--steps", 10_000, "--net.pause", 0.01, "--no-preview", "--out", "a.safetensors"]
    code, _, err = becalm("toy", "train", *FLAGS[:4], *words)
    step = Checkpoint.read(tmp_path / "a.safetensors").config["step"]
    assert code == 128 + number
    assert err.startswith(f"becalm: saved a.safetensors at step {step} of 10000; becalm toy train --resume --out ")


def test_a_signal_before_the_first_step_ends_the_command_in_a_sentence(becalm: Run, tmp_path: Path) -> None:
    press(signal.SIGTERM, (tmp_path / ".a.safetensors.lock").exists)
    code, _, err = becalm("toy", "train", *FLAGS, "--steps", 10_000, "--net.pause", 0.05, "--out", "a.safetensors")
    assert code == 143 and err.count("\n") == 1
    assert "stopped; nothing was saved yet" in err or "saved a.safetensors at step" in err
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_a_second_signal_ends_a_long_step_and_leaves_the_last_save(becalm: Run, tmp_path: Path) -> None:
    words = ["--steps", 6, "--no-preview", "--out"]
    assert becalm("toy", "train", *FLAGS[:4], *words, "whole.safetensors")[0] == 0
    out = tmp_path / "a.safetensors"
    press(signal.SIGTERM, lambda: out.exists() and time.sleep(0.9) is None, times=2)  # Within the fourth step.
    code, _, err = becalm("toy", "train", *FLAGS[:4], "--every", 2, "--net.pause", 0.6, *words, "a.safetensors")
    says = "becalm: stopped after step 3 of 6; a.safetensors is of step 2, from which becalm toy train --resume"
    assert code == 143 and err.startswith(says)
    assert becalm("toy", "train", "--resume", "--out", "a.safetensors")[0] == 0
    ends = [Checkpoint.read(tmp_path / f"{name}.safetensors").tensors for name in ("a", "whole")]
    assert all(value.equal(ends[1][name]) for name, value in ends[0].items())
