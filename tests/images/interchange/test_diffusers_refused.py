"""What has no counterpart in the other library, or is damaged, is refused in one sentence."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from both_libraries import checkpoint, diffusers, domain, saved, their_network

import becalm
from becalm import UserError
from becalm.model import build
from becalm.objective import Objective
from becalm.schedule import Flow, Linear
from becalm_images.interchange.pipeline_folder import pipeline
from becalm_images.interchange.scheduler import to_config


def changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("whole") / "pipeline", their_network(), diffusers.DDPMScheduler())


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("unet/config.json", {"center_input_sample": True}, "center_input_sample True, unet2d has False"),
        ("unet/config.json", {"time_embedding_type": "fourier"}, "'fourier', unet2d has 'positional'"),
        ("unet/config.json", {"mid_block_type": None}, "mid_block_type None"),
        ("unet/config.json", {"time_embedding_dim": 7}, "time_embedding_dim 7"),
        ("unet/config.json", {"down_block_types": ["SkipDownBlock2D", "DownBlock2D"]}, "'SkipDownBlock2D'"),
        ("unet/config.json", {"up_block_types": ["UpBlock2D", "UpBlock2D"]}, "on the way up"),
        ("unet/config.json", {"out_channels": 5}, "makes 5 channels of 1"),
        ("unet/config.json", {"sample_size": None}, "names no sample_size"),
        ("unet/config.json", {"block_out_channels": [16, 30]}, "got 30"),
        ("unet/config.json", {"layers_per_block": 2}, "do not fit its own configuration"),
        ("scheduler/scheduler_config.json", {"_class_name": "FlowMatchEulerDiscreteScheduler"}, "no table of betas"),
        ("scheduler/scheduler_config.json", {"beta_schedule": "laplace"}, "unknown beta_schedule 'laplace'"),
        ("scheduler/scheduler_config.json", {"prediction_type": "flow"}, "unknown prediction_type 'flow'"),
        ("scheduler/scheduler_config.json", {"trained_betas": [0.5, 2.0]}, "must lie in (0, 1]"),
        ("model_index.json", {"unet": ["diffusers", "UNet2DConditionModel"]}, "not of a UNet2DModel"),
    ],
)
def test_what_has_no_counterpart_is_refused_in_one_sentence(
    becalm: Any, whole: Path, tmp_path: Path, file: str, values: dict[str, Any], words: str
) -> None:
    shutil.copytree(whole, tmp_path / "pipeline")
    changed(tmp_path / "pipeline" / file, **values)
    code, out, err = becalm("images", "from-diffusers", "pipeline", "--out", "out.safetensors")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert not (tmp_path / "out.safetensors").exists()


def test_pickles_and_damaged_files_are_refused_in_one_sentence(becalm: Any, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "pipeline")
    weights = tmp_path / "pipeline" / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    code, _, err = becalm("images", "from-diffusers", "pipeline", "--out", "out.safetensors")
    assert code == 2
    assert "damaged or cut short" in err
    weights.rename(weights.with_suffix(".bin"))
    code, _, err = becalm("images", "from-diffusers", "pipeline", "--out", "out.safetensors")
    assert code == 2
    assert "holds diffusion_pytorch_model.bin, not diffusion_pytorch_model.safetensors" in err


def test_what_diffusers_has_not_stays_here() -> None:
    for schedule, prediction, words in (
        (Flow(), "v", "schedule 'flow' does not go over"),
        (Linear(), "flow", "predicts flow does not go over"),
    ):
        with pytest.raises(UserError, match=words):
            to_config(schedule, Objective(prediction=prediction), 1000)
    with pytest.raises(UserError, match="only image models go over to diffusers, got one of domain 'policies'"):
        pipeline(becalm.load("fork", "cpu"), "null")
    for conditioning, label, words in (("guided", 3, "between 0 and 2"), ("classes", "null", "no null class")):
        model = build(checkpoint(domain(conditioning=conditioning), Linear(), Objective()), torch.device("cpu"))
        with pytest.raises(UserError, match=words):
            pipeline(model, label)


def test_a_network_without_a_null_class_takes_no_guidance() -> None:
    images = domain(conditioning="classes")
    model = build(checkpoint(images, Linear(), Objective()), torch.device("cpu"))
    assert model.sample(count=2, steps=2).data.shape == (2, 1, 8, 12)
    for guidance in (0, 2):
        with pytest.raises(UserError, match="no null class: leave --guidance at 1"):
            model.sample(count=2, steps=2, guidance=guidance)
