"""A training that begins from a checkpoint: with its weights, and its settings under those of a file and of flags."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from becalm.files.checkpoint import Checkpoint

Run = Callable[..., tuple[int, str, str]]
FLAGS = ["--precision", "fp32", "--device", "cpu", "--every", 20]


def test_fine_tuning_begins_where_its_origin_ended_and_with_its_settings(becalm: Run, tmp_path: Path) -> None:
    assert becalm("toy", "train", *FLAGS, "--steps", 30, "--batch", 48, "--out", "a.safetensors", "--quiet")[0] == 0
    words = ("toy", "train", *FLAGS, "--from", "a.safetensors", "--rate", 1e-12, "--steps", 1, "--quiet")
    assert becalm(*words, "--out", "b.safetensors") == (0, "", "")
    first, second = (Checkpoint.read(tmp_path / f"{name}.safetensors") for name in "ab")
    for name, tensor in first.tensors.items():
        assert float((tensor - second.tensors[name]).abs().max()) < 1e-6
    assert second.config["settings"] == first.config["settings"] and first.config["settings"]["batch"] == 48


@pytest.mark.parametrize(
    ("file", "flags", "expected"),
    [
        ("[objective.times]\nkind = 'log_normal'\nmean = 0.5", (), {"kind": "log_normal", "mean": 0.5, "std": 0.3}),
        ("[objective]\nlevels = 'uniform'", (), {"kind": "uniform"}),
        ("[objective.levels]\nkind = 'importance'", ("--levels.floor", 0.2), {"kind": "importance", "floor": 0.2}),
        ("[objective]\ngamma = 5.0\ndrop = 0", (), {"kind": "log_normal", "mean": -1.2, "std": 0.3}),
    ],
    ids=["a name of before", "another kind", "another kind and a flag", "a setting of before"],
)
def test_a_file_goes_over_the_settings_of_the_origin(
    becalm: Run, tmp_path: Path, file: str, flags: tuple[Any, ...], expected: dict[str, Any]
) -> None:
    levels = ("--levels", "log_normal", "--levels.std", 0.3)
    assert becalm("toy", "train", *FLAGS, *levels, "--steps", 1, "--out", "a.safetensors", "--quiet")[0] == 0
    (tmp_path / "over.toml").write_text(file)
    words = ("toy", "train", "--from", "a.safetensors", "--config", "over.toml", *flags, "--print-config")
    code, out, err = becalm(*words)
    assert (code, err) == (0, "")
    assert tomllib.loads(out)["objective"]["levels"] == expected


def test_an_origin_that_is_none_is_refused_before_anything_is_written(refused: Callable[..., str]) -> None:
    assert "no checkpoint" in refused("toy", "train", "--from", "missing.safetensors")
