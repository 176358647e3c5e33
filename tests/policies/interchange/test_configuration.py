"""A configuration of LeRobot or Diffusion Policy becomes a recipe that trains what it says, and names what is left."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lerobot_layout import CONFIG
from lerobot_pictures import seeing

import becalm
from becalm.errors import UserError
from becalm.schedule import CappedCosine
from becalm_policies.interchange.configuration import recipe
from becalm_policies.interchange.lerobot_vision import vision_of

Run = Callable[..., tuple[int, str, str]]
OWN = {
    "normalization_mapping": {"STATE": "MIN_MAX"},
    "optimizer_lr": 1e-4,
    "optimizer_betas": [0.95, 0.999],
    "optimizer_weight_decay": 1e-6,
    "scheduler_name": "cosine",
    "scheduler_warmup_steps": 500,
    "vision_backbone": "resnet18",
    "crop_shape": [84, 84],
    "push_to_hub": True,
}
YAML = """
horizon: 16
n_obs_steps: 2
n_action_steps: 8
policy:
  model: {down_dims: [256, 512], kernel_size: 5, n_groups: 8, diffusion_step_embed_dim: 256, cond_predict_scale: true}
  noise_scheduler:
    _target_: diffusers.schedulers.scheduling_ddim.DDIMScheduler
    num_train_timesteps: 100
    beta_schedule: squaredcos_cap_v2
    clip_sample: true
    prediction_type: sample
  horizon: ${horizon}
  num_inference_steps: ${n_action_steps}
ema: {max_value: 0.9999}
dataloader: {batch_size: 64}
optimizer: {lr: 2.0e-4, betas: [0.95, 0.999], weight_decay: 1.0e-6}
training: {seed: 42, lr_scheduler: cosine, lr_warmup_steps: 300, num_epochs: 5000, device: "cuda:0"}
task: {dataset: {zarr_path: data/pusht.zarr}}
"""


def configured(path: Path, content: str | dict[str, Any]) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_every_number_of_a_lerobot_configuration_has_its_place(tmp_path: Path) -> None:
    found = recipe(configured(tmp_path / "config.json", {**CONFIG, **OWN}))
    settings = found.sections["settings"]
    assert {name: settings[name] for name in ("history", "horizon", "execute", "tail")} == {
        "history": 2, "horizon": 8, "execute": 4, "tail": 3,
    }  # fmt: skip
    assert settings["architecture"] == {
        "kind": "lerobot-unet", "widths": [8, 16, 32], "kernel": 5, "groups": 4, "embedding": 16, "timesteps": 20,
        "scales": True,
    }  # fmt: skip
    assert settings["sampling"]["steps"] == 20 and settings["sampling"]["clip"] == 1.0
    assert found.sections["schedule"] == CappedCosine(steps=20).model_dump()
    assert found.sections["objective"]["prediction"] == "eps"
    training = found.sections["training"]
    assert (training["rate"], training["weight_decay"], training["warmup"]) == (1e-4, 1e-6, 500)
    assert (training["beta1"], training["beta2"]) == (0.95, 0.999)
    assert {"vision_backbone", "crop_shape"} < found.left.keys()
    assert settings["normalise"] == ["range"] and "normalization_mapping" not in {*found.left, *found.rest}
    assert found.rest == ("push_to_hub", "type")


def test_the_encoder_of_a_policy_that_sees_is_in_the_recipe_as_it_is_in_the_policy(tmp_path: Path) -> None:
    config = seeing("observation.images.top", resize_shape=[40, 60], crop_ratio=0.9, use_group_norm=False)
    path = configured(tmp_path / "config.json", {**config, "pretrained_backbone_weights": "ResNet18_Weights.DEFAULT"})
    found = recipe(path)
    section = tomllib.loads(found.toml("config.json"))["settings"]["vision"]
    wanted = vision_of(path, config)
    assert type(wanted).model_validate(section) == wanted and section["cropped"] == [36, 54]
    assert [name for name in found.left if "vision" in name or "crop" in name or "backbone" in name] == [
        "pretrained_backbone_weights"
    ]
    with pytest.raises(UserError, match="vision_backbone is resnet50"):
        recipe(configured(tmp_path / "other.json", {**config, "vision_backbone": "resnet50"}))


@pytest.mark.parametrize(
    ("mapping", "observations", "actions"),
    [
        ({"STATE": "MIN_MAX", "ENV": "MIN_MAX", "ACTION": "MEAN_STD", "VISUAL": "MEAN_STD"}, ["range"], ["mean-std"]),
        ({"STATE": "QUANTILES", "ENV": "MIN_MAX"}, ["quantile", "observation.environment_state=range"], None),
        ({"ENV": "MEAN_STD", "ACTION": "IDENTITY"}, ["mean-std"], None),
    ],
)
def test_scales_are_taken_over_as_far_as_there_are_such(
    tmp_path: Path, mapping: dict[str, str], observations: list[str], actions: list[str] | None
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, **OWN, "normalization_mapping": mapping}))
    found = recipe(tmp_path / "config.json")
    settings = found.sections["settings"]
    assert settings["normalise"] == observations and settings.get("normalise_actions") == actions
    assert ("normalization_mapping" in found.left) == ("IDENTITY" in mapping.values())


def test_a_training_of_lerobot_says_its_data_steps_and_batch(tmp_path: Path) -> None:
    whole = {
        "policy": {**CONFIG, **OWN},
        "dataset": {"repo_id": "lerobot/pusht"},
        "steps": 9,
        "batch_size": 8,
        "seed": 1000,
        "wandb": {},
    }
    found = recipe(configured(tmp_path / "train_config.json", whole))
    assert found.sections["settings"]["data"] == "lerobot/pusht" and found.sections["settings"]["batch"] == 8
    assert (found.sections["training"]["steps"], found.sections["training"]["seed"]) == (9, 1000)
    assert "wandb" in found.rest


def test_a_yaml_of_diffusion_policy_is_the_same_under_other_names(tmp_path: Path) -> None:
    found = recipe(configured(tmp_path / "train.yaml", YAML))
    settings, training = found.sections["settings"], found.sections["training"]
    assert (settings["horizon"], settings["history"], settings["execute"], settings["tail"]) == (16, 2, 8, 7)
    assert settings["architecture"]["widths"] == [256, 512] and settings["architecture"]["scales"]
    assert settings["sampling"]["sampler"] == {"kind": "ddim", "clip_sample": 1.0}
    assert settings["sampling"]["steps"] == 8 and settings["batch"] == 64 and settings["data"] == "data/pusht.zarr"
    assert (training["rate"], training["ema"], training["seed"], training["warmup"]) == (2e-4, 0.9999, 42, 300)
    assert found.sections["objective"]["prediction"] == "x0"
    assert "num_epochs" in found.left and "training.device" in found.rest


def test_the_recipe_trains(tmp_path: Path, becalm: Run, demonstrations: Path) -> None:
    small = {**CONFIG, **OWN, "down_dims": [8, 16]}
    source = configured(Path("config.json"), small)
    code, out, err = becalm("import-config", source, "--out", "recipe.toml")
    assert (code, err) == (0, "")
    assert "no counterpart: vision_backbone, crop_shape; how pictures are seen is told by" in out
    assert tomllib.loads(Path("recipe.toml").read_text())["settings"]["execute"] == 4
    words = ("--config", "recipe.toml", "--data", demonstrations, "--batch", 8, "--precision", "fp32")
    assert becalm("train", *words, "--device", "cpu", "--steps", 2, "--out", "p.safetensors", "--quiet")[0] == 0
    model = load("p.safetensors")
    assert model.schedule == CappedCosine(steps=20) and model.objective.prediction == "eps"
    assert becalm("import-config", source, "--out", "recipe.toml")[0] == 2


def load(name: str) -> Any:
    return becalm.load(name, "cpu")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", "", "ends in .json .* or .yaml"),
        ("a.json", "[]", "must hold an object, got list"),
        ("a.json", "{", "is not valid JSON"),
        ("a.json", {"type": "act"}, "holds no down_dims and n_obs_steps"),
        ("a.yaml", "- 1", "must hold a table, got list"),
        ("a.yaml", "a: [", "is not valid YAML"),
        ("a.yaml", "a: &x [1]\nb: *x", r"^file \S+a\.yaml has aliases: write out"),
        ("a.yaml", "horizon: 4", "holds no down_dims"),
        ("a.json", {**CONFIG, "beta_schedule": "sigmoid"}, "beta_schedule is sigmoid"),
        ("a.json", {**CONFIG, "prediction_type": "velocity"}, "prediction_type is velocity"),
        ("a.json", {**CONFIG, "horizon": "8"}, "horizon must be a whole number from 1 to 10000, got '8'"),
        ("a.json", {**CONFIG, "down_dims": "x"}, "architecture"),
        ("a.json", {**CONFIG, "n_action_steps": 9}, "history - 1 \\+ execute must be at most horizon"),
        ("a.json", {name: value for name, value in CONFIG.items() if name != "kernel_size"}, "has no kernel_size"),
    ],
)
def test_what_is_no_such_configuration_is_one_sentence(name: str, content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        recipe(configured(tmp_path / name, content))
