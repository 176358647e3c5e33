"""``fit-steps``: a checkpoint with its own steps, from any domain's; what cannot be is one sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import torch

from becalm.files.checkpoint import Checkpoint

Run = Callable[..., tuple[int, str, str]]


def test_the_steps_fitted_are_those_that_are_sampled_by_and_the_weights_stay(becalm: Run, tmp_path: Path) -> None:
    train = ("toy", "train", "--precision", "fp32", "--device", "cpu", "--steps", 20, "--out", "a.safetensors")
    assert becalm(*train, "--quiet")[0] == 0
    fitting = ("fit-steps", "a.safetensors", "--calls", 3, "--count", 8, "--fine", 8, "--out", "b.safetensors")
    code, out, _ = becalm(*fitting, "--json")
    found = json.loads(out)
    assert code == 0 and len(found["times"]) == 3 and found["error"] <= found["error_before"]
    first, second = (Checkpoint.read(tmp_path / f"{name}.safetensors") for name in "ab")
    assert second.config["sampling"]["times"] == found["times"]
    assert all(torch.equal(value, second.tensors[name]) for name, value in first.tensors.items())
    code, out, _ = becalm("toy", "sample", "--checkpoint", "b.safetensors", "--count", 2, "--out", "b.npz")
    assert code == 0 and "3 steps" in out
    code, out, _ = becalm(
        "toy", "sample", "--checkpoint", "b.safetensors", "--steps", 5, "--count", 2, "--out", "c.npz"
    )
    assert code == 0 and "5 steps" in out
    assert becalm(*fitting) == (2, "", "becalm: b.safetensors exists: name another --out\n")
    code, _, said = becalm("fit-steps", "a.safetensors", "--calls", 8, "--fine", 8, "--out", "d.safetensors")
    assert code == 2 and "calls must be from 1 to 7, below the teacher's 8 steps, got 8" in said
    assert not (tmp_path / "d.safetensors").exists()
