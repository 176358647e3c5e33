"""From nothing to a policy by three commands, and a training in two parts is the training in one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from becalm.files.checkpoint import Checkpoint

Run = Callable[..., tuple[int, str, str]]
CPU = ("--device", "cpu", "--precision", "fp32")


def test_twenty_landings_and_a_minute_of_training_teach_to_land(becalm: Run) -> None:
    recorded = ("--env", "LunarLander-v3", "--demonstrator", "heuristic", "--episodes", 20, "--out", "demos.npz")
    assert becalm("record", *recorded)[0] == 0
    settings = ("--architecture", "mlp-small", "--execute", 2, "--sampling.temperature", 0, "--batch", 128)
    training = ("--steps", 800, "--rate", 1e-3, "--warmup", 100, "--ema", 0.99, "--every", 2000)
    words = ("--data", "demos.npz", *settings, *training, *CPU, "--out", "lander.safetensors", "--quiet")
    assert becalm("train", *words) == (0, "", "")
    code, out, err = becalm("evaluate", "lander.safetensors", "--episodes", 10, "--device", "cpu", "--json", "--quiet")
    assert (code, err) == (0, "")
    gain = next(row for row in json.loads(out)["tables"][0]["rows"] if row["figure"] == "mean return")
    # Measured with training seeds 0, 1, 2: 199, 216, 142. Random actions have -211, the demonstrator 283.
    assert gain["random"] == -211.4
    assert gain["policy"] > 0


RELATIVE = ("--prepare", "pusht_align,pusht_mirror", "--observe", "pusht", "--relative", "0,1")


@pytest.mark.parametrize("settings", [(), RELATIVE], ids=["absolute", "relative"])
@pytest.mark.parametrize("stop", [3, 9])
def test_a_training_in_two_parts_is_the_training_in_one(
    becalm: Run, demonstrations: Path, tmp_path: Path, settings: tuple[str, ...], stop: int
) -> None:
    # At a constant rate no step depends on how many there will be. An epoch has 4 steps, or 8 with mirror images.
    words = ("train", "--data", demonstrations, "--architecture", "mlp-tiny", "--batch", 32, *settings, *CPU)
    words += ("--decay", "constant", "--warmup", 2, "--seed", 3)
    assert becalm(*words, "--steps", 14, "--out", "whole.safetensors")[0] == 0
    assert becalm(*words, "--steps", stop, "--out", "part.safetensors")[0] == 0
    part, whole = (tmp_path / f"{name}.safetensors" for name in ("part", "whole"))
    assert Checkpoint.read(part).digest != Checkpoint.read(whole).digest
    assert becalm("train", "--resume", "--steps", 14, "--device", "cpu", "--out", part)[0] == 0
    for one, two in ((part, whole), *((path.with_suffix(".resume.safetensors") for path in (part, whole)),)):
        found, expected = Checkpoint.read(one), Checkpoint.read(two)
        assert found.config == expected.config and found.tensors.keys() == expected.tensors.keys()
        assert all(torch.equal(found.tensors[name], expected.tensors[name]) for name in found.tensors)
