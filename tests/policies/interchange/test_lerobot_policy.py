"""A LeRobot DiffusionPolicy acts here as it does there: the same actions for the same noise and observations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lerobot_layout import CONFIG, MORE, STATE, normalise, sampled, weights, write
from torch import Tensor

import becalm
from becalm.errors import UserError
from becalm.model import build
from becalm.sampler import sample
from becalm_policies.control.policy import policy
from becalm_policies.interchange.lerobot_policy import read

pytest.importorskip("diffusers")
Run = Callable[..., tuple[int, str, str]]
DDIM = {"noise_scheduler_type": "DDIM", "num_inference_steps": 5}


def told(config: dict[str, Any], seen: Tensor) -> Tensor:
    """(B, C) what the network is told of observations (B, To, D)."""
    parts = seen.split([STATE[1], MORE[1]], -1)
    kinds = zip((STATE[0], MORE[0]), ("STATE", "ENV"), parts, strict=True)
    return torch.cat([normalise(config, *each) for each in kinds], -1).flatten(1)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_inference_steps": 10, "use_film_scale_modulation": False},
        DDIM,
        {**DDIM, "prediction_type": "sample", "clip_sample": False},
        {**DDIM, "clip_sample_range": 0.5, "down_dims": [16, 24], "n_groups": 8, "beta_schedule": "linear"},
        {"normalization_mapping": {"STATE": "MEAN_STD", "ENV": "MIN_MAX", "ACTION": "MEAN_STD"}, "clip_sample": False,
         "prediction_type": "sample"},
    ],
    ids=["ddpm", "ddpm-leading-bias", "ddim", "ddim-sample", "ddim-linear", "mean-std"],
)  # fmt: skip
@torch.no_grad()
def test_its_actions_are_those_of_the_layout_and_the_scheduler(changes: dict[str, Any], tmp_path: Path) -> None:
    config = {**CONFIG, **changes}
    tensors, generator = weights(config), torch.Generator().manual_seed(2)
    model = build(read(write(tmp_path / "theirs", config, tensors)), torch.device("cpu"))
    seen, start = torch.randn(3, 2, 5, generator=generator), torch.randn(3, 8, 2, generator=generator)
    drawn = torch.randn(20, 3, 8, 2, generator=generator)
    wanted = sampled(config, tensors, told(config, seen), start, drawn)
    run, left = model.prepare(model.with_defaults(model.domain.request()), chunk=None), iter(drawn)
    cond = model.domain.condition_on(seen.double().numpy())
    # Theirs starts from plain noise, ours from noise of the first level's spread, which is 1 within a hair.
    x0 = sample(run.sampler(run.denoise, start, run.path, cond, lambda like: next(left)))
    found = model.domain.actions(x0, cond)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))


def test_a_folder_of_before_with_its_statistics_among_the_weights_is_the_same_policy(tmp_path: Path) -> None:
    tensors = weights(CONFIG)
    new, old = (read(write(tmp_path / name, CONFIG, tensors, old=name == "old")) for name in ("new", "old"))
    assert new.config == old.config
    assert new.tensors.keys() == old.tensors.keys()
    assert all(torch.equal(value, old.tensors[name]) for name, value in new.tensors.items())


def test_the_command_writes_a_checkpoint_that_acts(tmp_path: Path, becalm: Run) -> None:
    folder = write(tmp_path / "theirs", {**CONFIG, **DDIM}, weights(CONFIG))
    code, out, err = becalm("from-lerobot", folder, "--out", "ours.safetensors")
    assert (code, err) == (0, "")
    assert "5 observed and 2 action entries, history 2, horizon 8, execute 4; ddim in 5 steps" in out
    actor = policy(load("ours.safetensors"))
    assert actor.execute == 4 and actor.act([0.1, 0.2, 0.3, 0.4, 0.5]).shape == (2,)
    code, _, err = becalm("from-lerobot", folder, "--out", "ours.npz")
    assert code == 2 and ".safetensors" in err


def load(name: str) -> Any:
    return becalm.load(name, "cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_features": {}}, "sees no observation.state"),
        (
            {"input_features": {**CONFIG["input_features"], "observation.touch": {"type": "STATE", "shape": [2]}}},
            "sees observation.touch: a policy with a counterpart here sees pictures, observation.state and",
        ),
        ({"type": "act"}, "holds a policy of type act: only diffusion"),
        ({"input_features": None}, "names no input_features"),
        ({"noise_scheduler_type": "PNDM"}, "noise_scheduler_type is PNDM: it must be one of DDPM, DDIM"),
        ({"beta_schedule": "sigmoid"}, "beta_schedule is sigmoid"),
        ({"normalization_mapping": {"STATE": "LOG"}}, "normalization_mapping of STATE is LOG"),
        ({"normalization_mapping": {"STATE": "QUANTILES"}}, "have no q01 and q99 of 2 entries for observation.state"),
        ({"kernel_size": 4}, "kernel must be odd, got 4"),
        ({"horizon": 10**9}, "horizon must be a whole number from 1 to 10000"),
        ({"clip_sample_range": "1"}, "clip_sample_range must be a number above 0, got '1'"),
        ({"output_features": {"action": [2]}}, "feature action must have a type and a shape of one size"),
        ({"down_dims": [8, 12, 16]}, "do not fit|shape|size"),
        ({"horizon": 6}, "horizon must be a multiple of 4"),
    ],
)
def test_what_has_no_counterpart_is_one_sentence(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "theirs", {**CONFIG, **changes}, weights(CONFIG))
    with pytest.raises(UserError, match=message):
        build(read(folder), torch.device("cpu"))


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "policy_preprocessor_step_3_normalizer_processor.safetensors"]
)
def test_a_file_that_is_missing_is_named(name: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "theirs", CONFIG, weights(CONFIG))
    (folder / name).unlink()
    with pytest.raises(UserError, match=name.partition("_step")[0]):
        read(folder)
