"""Samples on disk: three formats, whole or not at all."""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest
import torch
from PIL import Image

from becalm.files.checkpoint import Checkpoint
from becalm_apps.verbs.animation import FRAMES, frame_steps

Run = Callable[..., tuple[int, str, str]]


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_picture_is_written_and_summed_up_in_a_line(becalm: Run, trained: Path) -> None:
    code, out, err = becalm("toy", "sample", "--checkpoint", trained, "--count", 4, "--steps", 3)
    assert (code, err) == (0, "")
    assert out.startswith("samples.png: 4 samples in ")
    assert out.count("\n") == 1
    assert Image.open(trained.with_name("samples.png")).size == (32, 32)


def test_arrays_hold_the_samples_without_pickles(becalm: Run, trained: Path) -> None:
    out = trained.with_name("deep") / "er" / "a.npz"
    assert becalm("toy", "sample", "--checkpoint", trained, "--count", 4, "--out", out)[0] == 0
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["x"].shape == (4, 2)


def test_standard_output_takes_the_bytes_of_a_file_and_nothing_else(
    becalm: Run, process: Callable[..., Popen[str]], trained: Path
) -> None:
    asked = ("toy", "sample", "--checkpoint", trained, "--count", 4, "--steps", 3, "--device", "cpu")
    program = process(*asked, "--out", "-.npz")
    assert program.stdout is not None and program.stderr is not None
    content = program.stdout.buffer.read()  # type: ignore[attr-defined]
    assert (program.wait(timeout=60), program.stderr.read().startswith("standard output: 4 samples in ")) == (0, True)
    assert becalm(*asked, "--out", "a.npz")[0] == 0
    assert content == trained.with_name("a.npz").read_bytes()
    assert not trained.with_name("-.npz").exists()
    code, _, said = becalm(*asked, "--out", "-", "--json")
    assert code == 2 and "--out - puts the file where --json would print" in said


def test_a_film_has_a_frame_a_step_and_holds_the_last(becalm: Run, trained: Path) -> None:
    out = trained.with_name("a.gif")
    assert (
        becalm("toy", "sample", "--checkpoint", trained, "--count", 5, "--batch", 2, "--steps", 12, "--out", out)[0]
        == 0
    )
    with Image.open(out) as film:
        durations = [film.seek(frame) or film.info["duration"] for frame in range(film.n_frames)]
    # Frames that look the same are stored as one that stays longer.
    assert 2 <= len(durations) <= 12
    assert sum(durations) == 11 * 250 + 2000
    assert durations[-1] >= 2000


@pytest.mark.parametrize("steps", [1, 2, FRAMES, FRAMES + 1, 1000])
def test_a_film_ends_with_the_last_step_and_is_never_long(steps: int) -> None:
    filmed = frame_steps(steps)
    assert filmed[-1] == steps - 1
    assert len(filmed) == min(steps, FRAMES)
    assert filmed[0] >= 0


def test_samples_are_the_same_whatever_the_batch(becalm: Run, trained: Path) -> None:
    for batch in (1, 3, 250):
        becalm("toy", "sample", "--checkpoint", trained, "--count", 5, "--batch", batch, "--out", f"{batch}.npz")
    first, *rest = (np.load(trained.with_name(f"{batch}.npz"))["x"] for batch in (1, 3, 250))
    for other in rest:
        np.testing.assert_allclose(other, first, atol=1e-5)


def test_json_is_one_object_and_quiet_is_nothing(becalm: Run, trained: Path) -> None:
    words = ["toy", "sample", "--checkpoint", trained, "--count", 2, "--out", "a.png"]
    code, out, err = becalm(*words, "--json")
    summary = json.loads(out)
    assert (code, err, summary["count"], summary["out"]) == (0, "", 2, "a.png")
    assert summary["checkpoint"] == Checkpoint.read(trained).digest
    assert becalm(*words, "--quiet") == (0, "", "")


def test_half_precision_checkpoints_are_smaller_and_sample_alike(becalm: Run, tmp_path: Path) -> None:
    for name, flags in (("full", []), ("half", ["--half"])):
        becalm(
            "toy",
            "train",
            "--net.widths",
            256,
            "--steps",
            3,
            "--precision",
            "fp32",
            "--out",
            f"{name}.safetensors",
            *flags,
        )
        becalm("toy", "sample", "--checkpoint", f"{name}.safetensors", "--out", f"{name}.npz")
    assert (tmp_path / "half.safetensors").stat().st_size < 0.8 * (tmp_path / "full.safetensors").stat().st_size
    full, half = (np.load(tmp_path / f"{name}.npz")["x"] for name in ("full", "half"))
    np.testing.assert_allclose(half, full, atol=0.02)


def test_an_existing_result_is_replaced(becalm: Run, trained: Path) -> None:
    out = trained.with_name("samples.png")
    out.write_bytes(b"old")
    assert becalm("toy", "sample", "--checkpoint", trained)[0] == 0
    assert out.read_bytes()[:4] == b"\x89PNG"


def test_evaluate_prints_figures_costs_and_checkpoint(becalm: Run, trained: Path) -> None:
    words = ["toy", "evaluate", "--checkpoint", trained, "--count", 10, "--batch", 4, "--steps", 3, "--out", "kept.npz"]
    code, out, err = becalm(*words)
    rows = dict(line.rsplit("  ", 1) for line in out.splitlines())
    rows = {key.strip(): value for key, value in rows.items()}
    assert (code, err) == (0, "")
    assert (rows["samples"], rows["network calls"]) == ("10", "9")
    figures = json.loads(becalm(*words, "--json")[1])
    assert figures["metrics"]["distance"] == pytest.approx(float(rows["distance"]), rel=1e-3)
    assert figures["network_calls"] == 9
    with np.load(trained.with_name("kept.npz")) as arrays:
        assert len(arrays["x"]) == 10


WRONG = [
    (["--steps", "0"], "--steps must be greater than or equal to 1, got 0"),
    (["--steps", "x"], "--steps must be a valid integer, got 'x'"),
    (["--count", "-1"], "--count must be greater than or equal to 1, got -1"),
    (["--sampler", "dimm"], "--sampler must be .*, got 'dimm'; did you mean 'ddim'?"),
    (["--side", "up"], "--side must be 'left' or 'right', got 'up'"),
    (["--guidance", "inf"], "--guidance must be a finite number, got inf"),
    (["--guidance-low", ".9", "--guidance-high", ".1"], "guidance_low must not be above guidance_high.*"),
    (["--guidance", "1", "--rescale", ".5"], "--rescale does nothing where guidance is 1: leave it out"),
    (["--times", "1,.5", "--steps", "3"], "--steps does nothing where times are given: leave it out"),
    (["--stpes", "3"], "unknown flag --stpes; did you mean --steps?"),
    (["--device", "abacus"], "device 'abacus' is not available here.*"),
    (["--checkpoint", "nobody"], "unknown checkpoint 'nobody': known are .*"),
    (["--checkpoint", "no.safetensors"], "there is no checkpoint no.safetensors"),
    (["--config", "no.toml"], "there is no config file no.toml"),
    (["--out", "a.jpg"], "--out must end in .png, .npz, .gif, got a.jpg"),
    (["--out", "a"], "--out must end in .png, .npz, .gif, got a"),
    (["--out", "."], "--out must be a file that ends in .png, .npz, .gif, got the folder ."),
    (["--out", "toy.safetensors/a.png"], "cannot write --out toy.safetensors/a.png: Not a directory"),
    (["--out", "/proc/a.png"], "cannot write --out /proc/a.png: .*"),
    (["extra"], "becalm toy sample takes no further words, got 'extra'"),
]


@pytest.mark.parametrize(("flags", "says"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_input_is_one_sentence_and_writes_nothing(
    flags: list[str], says: str, becalm: Run, trained: Path
) -> None:
    before = files(trained.parent)
    chosen = [] if "--checkpoint" in flags else ["--checkpoint", trained]
    code, out, err = becalm("toy", "sample", *chosen, *flags)
    assert (code, out) == (2, "")
    assert re.fullmatch(f"becalm: {says}\n".replace("?", r"\?"), err), err
    assert files(trained.parent) == before


def test_a_domain_without_a_default_says_so(becalm: Run) -> None:
    code, _, err = becalm("toy", "sample")
    assert (code, err) == (2, "becalm: toy has no default checkpoint: name one by --checkpoint; pretrained are none\n")


def spoil(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[-3] ^= 1
    elif how == "header":
        content[20] ^= 1
    elif how == "cut":
        del content[-10:]
    elif how == "empty":
        content.clear()
    elif how == "noise":
        content[:] = os.urandom(200)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("how", ["flipped", "header", "cut", "empty", "noise"])
@pytest.mark.parametrize("verb", ["sample", "evaluate"])
def test_a_damaged_checkpoint_is_one_sentence(how: str, verb: str, becalm: Run, trained: Path) -> None:
    spoil(trained, how)
    code, out, err = becalm("toy", verb, "--checkpoint", trained)
    assert (code, out) == (2, "")
    assert err.startswith("becalm: ")
    assert str(trained) in err
    assert err.count("\n") == 1
    assert not trained.with_name("samples.png").exists()


def test_a_checkpoint_of_something_else_is_one_sentence(becalm: Run, trained: Path) -> None:
    code, _, err = becalm("images", "sample", "--checkpoint", trained)
    assert (code, err) == (2, f"becalm: checkpoint {trained} is of domain 'toy', not 'images': use becalm toy\n")
    Checkpoint({"a": torch.zeros(1)}, {"kind": "judge"}).write(trained)
    code, _, err = becalm("toy", "sample", "--checkpoint", trained)
    assert code == 2
    assert "not a model that can be sampled" in err
    code, _, err = becalm("toy", "sample", "--checkpoint", trained.with_name("toy.resume.safetensors"))
    assert code == 2
    assert "name the checkpoint beside it" in err


@pytest.mark.parametrize(
    ("how", "code", "says"),
    [
        ("internal", 1, "RuntimeError: first line; BECALM_DEBUG=1 shows where"),
        ("package", 2, "a_package_that_nobody_has"),
        ("memory", 2, "out of memory: lower --batch"),
        ("interrupt", 130, "stopped"),
        ("disk", 2, "somewhere: No space left on device"),
        ("value", 1, "plugin 'toy' of becalm-toy: becalm_toy.verbs:"),
    ],
)
def test_every_failure_is_one_line_and_a_code(how: str, code: int, says: str, becalm: Run) -> None:
    ended, out, err = becalm("toy", "fail", "--how", how)
    assert (ended, out) == (code, "begun\n")
    assert says in err
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(becalm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECALM_DEBUG", "1")
    code, _, err = becalm("toy", "fail")
    assert code == 1
    assert "Traceback" in err
    assert "verbs.py" in err


def test_a_plugins_own_verb_prints_what_it_yields(becalm: Run) -> None:
    assert becalm("toy", "count", "--to", 3) == (0, "1\n2\n3\n", "")
    assert becalm("toy", "count", "--to", 0)[::2] == (2, "becalm: --to must be greater than or equal to 1, got 0\n")
    assert becalm("toy", "count")[::2] == (2, "becalm: --to is missing\n")


def test_a_reader_that_leaves_is_no_error(process: Callable[..., Popen[str]]) -> None:
    program = process("toy", "count", "--to", 100_000)
    assert program.stdout is not None
    assert program.stderr is not None
    assert program.stdout.readline() == "1\n"
    program.stdout.close()
    assert program.wait(timeout=60) == 141
    assert program.stderr.read() == ""


def test_ctrl_c_while_sampling_leaves_the_old_result(
    becalm: Run, process: Callable[..., Popen[str]], tmp_path: Path
) -> None:
    becalm("toy", "train", "--net.pause", 0.01, "--steps", 1, "--precision", "fp32", "--out", "slow.safetensors")
    (tmp_path / "a.png").write_bytes(b"old")
    before = files(tmp_path)
    program = process("toy", "sample", "--checkpoint", "slow.safetensors", "--steps", 100_000, "--out", "a.png")
    time.sleep(5)
    program.send_signal(signal.SIGINT)
    program.wait(timeout=120)
    assert program.returncode == 130
    assert program.stderr is not None
    assert program.stderr.read() == "becalm: stopped; nothing was written\n"
    assert (tmp_path / "a.png").read_bytes() == b"old"
    assert files(tmp_path) == before


@pytest.mark.parametrize("verb", [("images", "sample"), ("images", "edit", "--image", "none.png")])
def test_a_process_of_a_launcher_draws_samples_of_its_own(
    verb: tuple[str, ...], becalm: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, _, error = becalm(*verb, "--count", 1, "--steps", 1, "--out", tmp_path / "x.png")
    assert code == 2 and "process 1 of 2 (RANK, WORLD_SIZE) would draw the samples that process 0 draws" in error
    for own in (("--first", 1), ("--seed", 1)):
        code, _, error = becalm("images", "sample", "--count", 1, "--steps", 1, *own, "--out", tmp_path / "x.png")
        assert code == 0, error
