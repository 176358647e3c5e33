"""What is stopped by Ctrl-C says how to go on, and goes on to the same bits."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small_policy import QUICK, made

from becalm.files.checkpoint import Checkpoint
from becalm_policies.demonstrations.episodes import Episodes

Run = Callable[..., tuple[int, str, str]]
Interrupt = Callable[[Callable[[], bool]], None]


def test_a_training_that_is_stopped_goes_on_to_the_same_bits(
    becalm: Run, interrupt: Interrupt, demonstrations: Path, tmp_path: Path
) -> None:
    # At a constant rate no step depends on how many are asked for, so the training can be as long as it takes.
    words = ["train", *QUICK, "--data", demonstrations, "--decay", "constant", "--warmup", 5]
    out = tmp_path / "a.safetensors"
    interrupt(out.exists)
    code, printed, err = becalm(*words, "--steps", 100_000, "--every", 10, "--out", out)
    stopped = Checkpoint.read(out).config["step"]
    assert (code, printed) == (130, "")
    read, saved = err.splitlines()
    assert read == f"{Episodes.read(demonstrations).summary()}; none more for test"
    again = f"becalm policies train --resume --out {out} goes on"
    assert saved == f"becalm: saved {out} at step {stopped} of 100000; {again}"
    assert becalm("train", "--resume", "--steps", stopped + 15, "--device", "cpu", "--out", out)[0] == 0
    assert becalm(*words, "--steps", stopped + 15, "--out", "whole.safetensors")[0] == 0
    for name in ("safetensors", "resume.safetensors"):
        one, two = (Checkpoint.read(tmp_path / f"{stem}.{name}") for stem in ("a", "whole"))
        assert one.tensors.keys() == two.tensors.keys()
        assert all(torch.equal(one.tensors[key], two.tensors[key]) for key in one.tensors)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_evaluation_that_is_stopped_goes_on_to_the_same_episodes(
    becalm: Run, interrupt: Interrupt, tmp_path: Path
) -> None:
    words = ["evaluate", made(tmp_path), "--steps", 1, "--limit", 8, "--parallel", 1, "--video", "none"]
    words += ["--device", "cpu"]
    table = tmp_path / "a" / "episodes.csv"

    def played() -> int:
        return table.read_text().count("\n") - 1 if table.exists() else 0

    interrupt(lambda: played() > 1)
    assert becalm(*words, "--episodes", 100_000, "--out", "a") == (
        130,
        "",
        "becalm: stopped; with --out, the same command with --resume goes on\n",
    )
    count = played() + 2
    assert becalm(*words, "--episodes", count, "--out", "a", "--resume")[0] == 0
    assert becalm(*words, "--episodes", count, "--out", "whole")[0] == 0
    for name in ("settings.json", "episodes.jsonl", "episodes.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_recording_that_is_stopped_goes_on_to_the_same_episodes(
    becalm: Run, interrupt: Interrupt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "spinning.py").write_text(
        "from itertools import count\nfrom pathlib import Path\ncalls = count()\n"
        "def spin(observation):\n    if next(calls) == 40:\n        Path('begun').touch()\n    return observation[:1]\n"
    )
    words = ["record", "--env", "Pendulum-v1", "--demonstrator", "spinning:spin", "--limit", 5]
    interrupt((tmp_path / "begun").exists)
    code, _, err = becalm(*words, "--episodes", 100_000, "--out", "a.npz")
    assert (code, err) == (130, "becalm: stopped; with an .npz, the same command with --resume goes on\n")
    kept = len(Episodes.read(tmp_path / "a.npz"))
    assert 8 <= kept < 100_000
    assert becalm(*words, "--episodes", kept + 2, "--out", "a.npz", "--resume")[0] == 0
    assert becalm(*words, "--episodes", kept + 2, "--out", "whole.npz")[0] == 0
    one, two = (Episodes.read(tmp_path / f"{name}.npz") for name in ("a", "whole"))
    for name in ("observations", "actions", "rewards", "ends"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert one.spec == two.spec
