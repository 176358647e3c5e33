"""A LeRobot DiffusionPolicy that sees acts here as there: equal features, and equal actions for equal noise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lerobot_layout import sampled, weights, write
from lerobot_pictures import SIZE, condition, encoder_weights, looked, prefixes, seeing
from safetensors.torch import load_file, save_file
from torch import Tensor

import becalm
from becalm.errors import UserError
from becalm.model import build
from becalm.sampler import sample
from becalm_policies.control.policy import policy
from becalm_policies.interchange.lerobot_policy import read

pytest.importorskip("diffusers")
Run = Callable[..., tuple[int, str, str]]
TOP, WRIST = "observation.images.top", "observation.images.wrist"
MODES = {"STATE": "MIN_MAX", "ENV": "MEAN_STD", "ACTION": "MIN_MAX"}
WAYS: dict[str, dict[str, Any]] = {
    "shared": seeing(TOP, WRIST, more=True),
    "separate": seeing(
        TOP,
        WRIST,
        use_separate_rgb_encoder_per_camera=True,
        crop_shape=None,
        normalization_mapping={**MODES, "VISUAL": "IDENTITY"},
    ),
    "batch-norm": seeing(
        "observation.image",
        more=True,
        use_group_norm=False,
        resize_shape=[37, 70],
        crop_ratio=0.9,
        crop_shape=[33, 63],
        normalization_mapping={**MODES, "VISUAL": "MIN_MAX"},
    ),
    "resnet34": seeing("observation.image", vision_backbone="resnet34", resize_shape=[40, 40], crop_shape=None),
}


def observed(config: dict[str, Any], count: int, seed: int = 5) -> tuple[Tensor, dict[str, Tensor]]:
    """Observations (B, To, D), and pictures (B, To, H, W, 3) by feature, one of them all black."""
    generator = torch.Generator().manual_seed(seed)
    size = 5 if "observation.environment_state" in config["input_features"] else 2
    names = [name for name, entry in config["input_features"].items() if entry["type"] == "VISUAL"]
    shape = (count, 2, *SIZE, 3)
    shown = {name: torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8) for name in names}
    shown[names[0]][0, 0] = 0
    return torch.randn(count, 2, size, generator=generator), shown


def all_weights(config: dict[str, Any]) -> dict[str, Tensor]:
    return {**weights(config), **encoder_weights(config)}


@pytest.mark.parametrize("way", WAYS)
@torch.no_grad()
def test_features_and_actions_are_those_of_the_layout(way: str, tmp_path: Path) -> None:
    config = WAYS[way]
    tensors = all_weights(config)
    folder = write(tmp_path / "theirs", config, tensors, old=way == "batch-norm")
    model = build(read(folder), torch.device("cpu"))
    seen, shown = observed(config, 2)
    pictures = {name.removeprefix("observation.").removeprefix("images."): each for name, each in shown.items()}
    assert tuple(pictures) == model.domain.cameras
    cond = model.network.embed(
        model.domain.condition_on(seen.double().numpy(), {name: each.numpy() for name, each in pictures.items()})
    )
    wanted = torch.cat(looked(config, tensors, shown), -1)
    assert float(wanted.std(0).max()) > 1e-3
    torch.testing.assert_close(cond.seen, wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))
    start = torch.randn(2, 8, 2, generator=torch.Generator().manual_seed(2))
    run = model.prepare(model.with_defaults(model.domain.request()), chunk=None)
    x0 = sample(run.sampler(run.denoise, start, run.path, cond, lambda like: like))
    wanted = sampled(config, tensors, condition(config, tensors, seen, shown), start, start)
    torch.testing.assert_close(model.domain.actions(x0, cond), wanted, rtol=0, atol=2e-5 * float(wanted.abs().max()))


@torch.no_grad()
def test_the_checkpoint_acts_on_what_was_seen_last(tmp_path: Path, becalm: Run) -> None:
    config = WAYS["shared"]
    tensors = all_weights(config)
    folder = write(tmp_path / "theirs", config, tensors)
    code, out, err = becalm("from-lerobot", folder, "--out", "ours.safetensors")
    assert (code, err) == (0, "")
    assert "5 observed and 2 action entries, pictures of top, wrist of 48 x 64, history 2" in out
    model = load("ours.safetensors")
    acting = policy(model, temperature=0.0)
    seen, shown = observed(config, 5)
    states, frames = seen[:, 0], {name: each[:, 0] for name, each in shown.items()}
    for step in range(5):
        found = acting.act(
            {
                "observation.state": states[step, :2].numpy(),
                "observation.environment_state": states[step, 2:].numpy(),
                **{name: each[step].numpy() for name, each in frames.items()},
            }
        )
        if step in (0, 4):
            steps = [max(step - 1, 0), step]
            cond = condition(
                config, tensors, states[None, steps], {name: each[None, steps] for name, each in frames.items()}
            )
            start = torch.zeros(1, 8, 2)
            wanted = sampled(config, tensors, cond, start, start)[0, 1]
            torch.testing.assert_close(torch.from_numpy(found), wanted, rtol=1e-4, atol=1e-4)
    drawn = model.sample(count=2, seed=1)
    assert drawn.data.shape == (2, 8, 2) and bool(drawn.data.isfinite().all())


def test_the_checkpoint_is_evaluated_in_an_environment_that_draws(tmp_path: Path, becalm: Run) -> None:
    folder = write(tmp_path / "theirs", ONE, all_weights(ONE))
    assert becalm("from-lerobot", folder, "--out", "ours.safetensors")[0] == 0
    asked = ("--env", "becalm/Fork-v0", "--episodes", 1, "--limit", 5, "--rows", 1, "--out", "judged")
    code, out, err = becalm("evaluate", "ours.safetensors", *asked)
    assert (code, err) == (0, "") and "mean return" in out


def load(name: str) -> Any:
    return becalm.load(name, "cpu")


IMAGE = {"observation.image": {"type": "VISUAL", "shape": [3, *SIZE]}}
ONE = seeing("observation.image")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vision_backbone": "resnet50"}, "vision_backbone is resnet50: it must be resnet18 or resnet34"),
        ({"use_group_norm": 1}, "use_group_norm must be true or false, got 1"),
        ({"spatial_softmax_num_keypoints": None}, "config.json has no counterpart here: keypoints must be"),
        ({"crop_shape": [49, 40]}, r"vision.cropped must be at most \[48, 64\], got \[49, 40\]"),
        ({"crop_shape": "84"}, "config.json has no counterpart here: cropped must be"),
        ({"resize_shape": "84", "crop_ratio": 0.5}, "resize_shape must be a height and a width, got '84'"),
        ({"resize_shape": [84, 84], "crop_ratio": 2}, "crop_ratio must be a number above 0, at most 1, got 2"),
        ({"input_features": {**ONE["input_features"], TOP: {"type": "VISUAL", "shape": [3, 9, 9]}}}, "be of one size"),
        ({"input_features": {**ONE["input_features"], TOP: {"type": "VISUAL", "shape": [1, 9, 9]}}}, "be of shape"),
        ({"input_features": {**ONE["input_features"], "image": IMAGE["observation.image"]}}, "have names of their own"),
        ({"input_features": IMAGE}, "sees no observation.state"),
        ({"normalization_mapping": {"VISUAL": "QUANTILES"}}, "have no q01 and q99 of 3 entries for observation.image"),
    ],
)  # fmt: skip
def test_a_configuration_without_a_counterpart_is_one_sentence(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    config = {**ONE, **changes}
    folder = write(tmp_path / "theirs", config, weights(ONE))
    with pytest.raises(UserError, match=message):
        read(folder)


def test_a_configuration_that_does_not_say_its_encoder_is_one_sentence(tmp_path: Path) -> None:
    config = {name: value for name, value in ONE.items() if name != "vision_backbone"}
    with pytest.raises(UserError, match="has no vision_backbone: a policy that sees pictures must say it"):
        read(write(tmp_path / "theirs", config, weights(ONE)))


@pytest.fixture(scope="module")
def whole() -> dict[str, Tensor]:
    return all_weights({**ONE, "use_group_norm": False})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("backbone.1.running_mean", None, "1.running_mean: the encoder, a resnet18 with batch norm, must have it"),
        ("pool.nets.bias", None, "has no diffusion.rgb_encoder.pool.nets.bias"),
        ("out.weight", torch.zeros(4, 4), r"rgb_encoder.out.weight must be of shape \[10, 10\], got \[4, 4\]"),
        ("pool.pos_grid", torch.zeros(9, 2), r"pool.pos_grid must be of shape \[4, 2\], got \[9, 2\]"),
        ("0.out.weight", torch.zeros(4), "holds diffusion.rgb_encoder.0.out.weight: the .* has no such weight"),
    ],
)  # fmt: skip
def test_weights_that_are_not_the_encoders_are_one_sentence(
    name: str, value: Tensor | None, message: str, whole: dict[str, Tensor], tmp_path: Path
) -> None:
    tensors = {key: each for key, each in whole.items() if not key.endswith(f"rgb_encoder.{name}")}
    if value is not None:
        tensors[f"{prefixes(ONE)[0]}{name}"] = value
    with pytest.raises(UserError, match=message):
        read(write(tmp_path / "theirs", {**ONE, "use_group_norm": False}, tensors))


def test_statistics_that_are_not_finite_are_one_sentence(whole: dict[str, Tensor], tmp_path: Path) -> None:
    """Those that LeRobot never filled are infinite."""
    buffer = {"normalize_inputs.buffer_observation_image.mean": torch.full((3, 1, 1), np.inf)}
    config = {**ONE, "use_group_norm": False}
    folder = write(tmp_path / "theirs", config, whole, old=True)
    save_file({**load_file(folder / "model.safetensors"), **buffer}, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"statistics of observation.image must be finite"):
        read(folder)
