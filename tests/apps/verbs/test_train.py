"""A training on disk: checkpoint, resume state, log, picture; stopped and resumed as if it had never been."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest
from checkpoints import same
from PIL import Image
from running import until

from becalm.files.checkpoint import Checkpoint

Run = Callable[..., tuple[int, str, str]]
FLAGS = ["--precision", "fp32", "--device", "cpu", "--every", 20]


def steps(path: Path) -> list[int]:
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_from_nothing_to_figures(becalm: Run, tmp_path: Path) -> None:
    words = [
        "toy",
        "train",
        *FLAGS,
        "--steps",
        400,
        "--rate",
        0.01,
        "--batch",
        64,
        "--ema",
        0.98,
        "--out",
        "a.safetensors",
    ]
    code, out, _ = becalm(*words)
    assert code == 0
    assert out.startswith("a.safetensors: 400 steps in ")
    assert becalm("toy", "sample", "--checkpoint", "a.safetensors", "--side", "right")[0] == 0
    figures = json.loads(becalm("toy", "evaluate", "--checkpoint", "a.safetensors", "--count", 200, "--json")[1])
    assert figures["metrics"]["distance"] < 0.5


def test_what_stands_beside_the_checkpoint(becalm: Run, tmp_path: Path) -> None:
    code, out, err = becalm("toy", "train", *FLAGS, "--steps", 45, "--out", "runs/a.safetensors", "--json")
    assert (code, err) == (0, "")
    names = {path.name for path in (tmp_path / "runs").iterdir()}
    assert names == {"a.safetensors", "a.resume.safetensors", "a.jsonl", "a.png"}
    assert steps(tmp_path / "runs/a.jsonl") == list(range(1, 46))
    line = json.loads((tmp_path / "runs/a.jsonl").read_text().splitlines()[-1])
    assert set(line) == {"step", "loss", "norm", "rate", "seconds", "held_out"}
    assert json.loads(out)["held_out"] == line["held_out"]
    assert Image.open(tmp_path / "runs/a.png").size == (32, 32)
    summary = json.loads(out)
    assert summary["steps"] == 45
    assert summary["checkpoint"] == Checkpoint.read(tmp_path / "runs/a.safetensors").digest


def test_settings_of_every_section_reach_the_checkpoint(becalm: Run, tmp_path: Path) -> None:
    flags = [
        "--spread",
        0.2,
        "--schedule",
        "karras",
        "--schedule.rho",
        5,
        "--weighting",
        "edm",
        "--times",
        "log_normal",
    ]
    assert becalm("toy", "train", *FLAGS, *flags, "--steps", 2, "--seed", 9, "--out", "a.safetensors")[0] == 0
    config = Checkpoint.read(tmp_path / "a.safetensors").config
    assert config["settings"]["spread"] == 0.2
    assert config["schedule"]["rho"] == 5
    assert config["objective"]["levels"]["kind"] == "log_normal"
    assert (config["training"]["seed"], config["training"]["steps"]) == (9, 2)


@pytest.mark.parametrize("flags", [["--no-preview"], ["--preview", 0]])
def test_a_training_without_a_preview_has_no_picture(flags: list[object], becalm: Run, tmp_path: Path) -> None:
    assert becalm("toy", "train", *FLAGS, "--steps", 2, *flags, "--out", "a.safetensors")[0] == 0
    assert not (tmp_path / "a.png").exists()


def test_a_picture_that_fails_costs_no_training(becalm: Run, tmp_path: Path) -> None:
    code, _, err = becalm("toy", "train", *FLAGS, "--steps", 5, "--unseeable", "--out", "a.safetensors")
    assert code == 0
    assert err == "becalm: no picture at step 5: nothing to see\n"
    assert (tmp_path / "a.safetensors").exists()


def test_doubts_about_the_data_are_said_where_only_results_are(becalm: Run) -> None:
    words = ("toy", "train", *FLAGS, "--no-preview", "--quiet", "--spread", 9, "--steps", 1, "--out", "a.safetensors")
    assert becalm(*words) == (0, "", "warning: the clouds overlap\n")


@pytest.mark.parametrize(
    ("left", "says"),
    [
        ("a.safetensors", "does not: begin from its weights by --from a.safetensors, or anew, with another --out"),
        ("a.resume.safetensors", "exists: go on with its training by --resume, or name another --out"),
    ],
)
def test_a_training_is_never_overwritten(left: str, says: str, becalm: Run, tmp_path: Path) -> None:
    (tmp_path / left).write_bytes(b"dear")
    code, _, err = becalm("toy", "train", "--steps", 1, "--out", "a.safetensors")
    assert code == 2
    assert err.startswith(f"becalm: {left} exists") and says in err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {left: b"dear"}


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--resume"], "there is nothing to resume: a.resume.safetensors does not exist"),
        (["--resume", "--rate", ".1", "--batch", "3"], "leave out --batch, --rate"),
        (["--resume", "--config", "a.toml"], "leave out --config"),
        (["--out", "a.pt"], "--out must end in .safetensors, got a.pt"),
        (["--out", "."], "got the folder ."),
        (["--out", "/proc/a/b.safetensors"], "cannot write --out"),
        (["--device", "abacus"], "device 'abacus' is not available"),
        (["--config", "no.toml"], "there is no config file no.toml"),
        (["--minutes", "0"], "--minutes must be greater than 0, got 0"),
        (["--minutes", "nan"], "--minutes must be a finite number, got nan"),
        (["--minutes", "soon"], "--minutes must be a valid number, got 'soon'"),
        (["--resume", "--minutes", "1"], "there is nothing to resume"),
    ],
)
def test_wrong_input_is_one_sentence_and_writes_nothing(
    flags: list[str], says: str, becalm: Run, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text("")
    chosen = [] if "--out" in flags else ["--out", "a.safetensors"]
    code, out, err = becalm("toy", "train", *chosen, *flags)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]


@pytest.mark.parametrize("how", ["flipped", "cut"])
def test_a_damaged_resume_state_is_one_sentence(how: str, becalm: Run, trained: Path) -> None:
    state = trained.with_name("toy.resume.safetensors")
    content = bytearray(state.read_bytes())
    content[-3] ^= 1
    state.write_bytes(content if how == "flipped" else content[:-9])
    code, out, err = becalm("toy", "train", "--resume", "--steps", 9, "--out", trained)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is damaged" in err


def test_a_finished_training_goes_on_to_a_later_step_only(becalm: Run, trained: Path) -> None:
    code, out, err = becalm("toy", "train", "--resume", "--out", trained)
    assert (code, err) == (0, "")
    assert "all 5 steps are done" in out
    assert becalm("toy", "train", "--resume", "--steps", 8, "--out", trained)[0] == 0
    assert Checkpoint.read(trained).config["step"] == 8
    assert steps(trained.with_suffix(".jsonl")) == list(range(1, 9))


def test_a_budget_of_time_is_spent_over_sessions_and_can_be_extended(becalm: Run, tmp_path: Path) -> None:
    words = ("toy", "train", "--device", "cpu", "--out", "a.safetensors")
    code, out, err = becalm(*words, *FLAGS, "--minutes", 0.005)
    assert (code, err) == (0, "")
    config = Checkpoint.read(tmp_path / "a.safetensors").config
    assert (config["training"]["steps"], config["training"]["minutes"]) == (None, 0.005)
    assert config["seconds"] >= 0.3 and out.startswith(f"a.safetensors: {config['step']} steps in ")
    log = tmp_path / "a.jsonl"
    assert steps(log) == list(range(1, config["step"] + 1))
    assert "all 0.005 minutes are spent" in becalm(*words, "--resume")[1]
    code, _, err = becalm(*words, "--resume", "--minutes", 0.002)
    assert (code, err.count("\n")) == (2, 1)
    assert "a.safetensors has had 0.005 minutes already: --minutes must be no fewer, got 0.002" in err
    assert becalm(*words, "--resume", "--minutes", 0.01)[0] == 0
    longer = Checkpoint.read(tmp_path / "a.safetensors").config
    assert longer["step"] > config["step"] and longer["seconds"] >= 0.6
    assert becalm(*words, "--resume", "--steps", longer["step"] + 3)[0] == 0
    assert steps(log) == list(range(1, longer["step"] + 4))
    rates = [json.loads(line)["rate"] for line in log.read_text().splitlines()]
    assert rates[config["step"] - 1] < 0.1 * max(rates)


def test_steps_and_minutes_end_with_what_comes_first(becalm: Run, tmp_path: Path) -> None:
    words = ("toy", "train", *FLAGS, "--minutes", 5, "--steps", 3, "--out", "a.safetensors")
    assert becalm(*words)[1].startswith("a.safetensors: 3 steps in ")
    (tmp_path / "a.toml").write_text("[training]\nsteps = 3\n")
    words = ("toy", "train", *FLAGS, "--minutes", 5, "--config", "a.toml", "--out", "b.safetensors")
    assert becalm(*words)[1].startswith("b.safetensors: 3 steps in ")


def test_fewer_steps_than_there_are_is_refused(becalm: Run, trained: Path) -> None:
    code, out, err = becalm("toy", "train", "--resume", "--steps", 4, "--out", trained)
    assert (code, out) == (2, "")
    assert err == f"becalm: {trained} has 5 steps already: --steps must be no fewer, got 4\n"


def test_the_log_is_continued_without_a_seam(becalm: Run, trained: Path) -> None:
    log = trained.with_suffix(".jsonl")
    before = log.read_text()
    log.write_text(before + '{"step": 6, "loss": 1.0, "seconds": 3}\n{"step": 7, "lo')
    becalm("toy", "train", "--resume", "--steps", 8, "--out", trained)
    assert steps(log) == list(range(1, 9))
    assert log.read_text().startswith(before)
    seconds = [json.loads(line)["seconds"] for line in log.read_text().splitlines()]
    assert seconds == sorted(seconds)


def test_killed_and_stopped_and_resumed_ends_in_the_same_bits(
    becalm: Run, process: Callable[..., Popen[str]], interrupt: Callable[[Callable[[], bool]], None], tmp_path: Path
) -> None:
    settings = ["--steps", 240, "--net.pause", 0.01, "--times", "importance"]
    assert becalm("toy", "train", *FLAGS, *settings, "--out", "whole.safetensors")[0] == 0
    out, log = tmp_path / "a.safetensors", tmp_path / "a.jsonl"

    program = process("toy", "train", *FLAGS, *settings, "--out", out)
    until(out.exists)
    program.kill()
    program.communicate(timeout=60)

    resumed = Checkpoint.read(out).config["step"]
    interrupt(lambda: Checkpoint.read(out).config["step"] > resumed)
    code, printed, err = becalm("toy", "train", "--resume", "--every", 20, "--device", "cpu", "--out", out)
    stopped = Checkpoint.read(out).config["step"]
    assert (code, printed) == (130, "")
    assert resumed < stopped < 240
    assert err == f"becalm: saved {out} at step {stopped} of 240; becalm toy train --resume --out {out} goes on\n"
    assert steps(log) == list(range(1, stopped + 1))

    assert becalm("toy", "train", "--resume", "--every", 20, "--device", "cpu", "--out", out)[0] == 0
    assert same(out, tmp_path / "whole.safetensors")
    assert same(tmp_path / "a.resume.safetensors", tmp_path / "whole.resume.safetensors")
    whole = [json.loads(line) for line in (tmp_path / "whole.jsonl").read_text().splitlines()]
    again = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in whole if "held_out" in line] == [200, 240]
    assert [{**line, "seconds": 0} for line in again] == [{**line, "seconds": 0} for line in whole]


def test_a_loss_that_runs_away_stops_the_training_and_keeps_the_last_save(becalm: Run, tmp_path: Path) -> None:
    words = [
        "toy",
        "train",
        *FLAGS,
        "--steps",
        60,
        "--out",
        "a.safetensors",
        "--rate",
        1e38,
        "--warmup",
        0,
        "--every",
        60,
    ]
    code, _, err = becalm(*words)
    assert code == 2
    assert "the loss is no longer finite" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "a.safetensors").exists()


@pytest.mark.parametrize(
    ("flag", "today"), [("--error", "--objective cross_entropy"), ("--gamma", "--weighting.gamma")]
)
def test_a_flag_of_earlier_versions_says_what_took_its_place(
    flag: str, today: str, refused: Callable[..., str]
) -> None:
    assert today in refused("toy", "train", flag, "1")
