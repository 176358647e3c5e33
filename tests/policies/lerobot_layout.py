"""LeRobot's DiffusionPolicy from its documented layout: a folder as it writes one, and what its network computes.

Written a second time, as functions of named weights, so that it shares nothing with ours.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

STATE, MORE, ACTION = ("observation.state", 2), ("observation.environment_state", 3), ("action", 2)
CONFIG: dict[str, Any] = {
    "type": "diffusion",
    "n_obs_steps": 2,
    "horizon": 8,
    "n_action_steps": 4,
    "drop_n_last_frames": 3,
    "input_features": {
        name: {"type": kind, "shape": [size]} for (name, size), kind in ((STATE, "STATE"), (MORE, "ENV"))
    },
    "output_features": {"action": {"type": "ACTION", "shape": [2]}},
    "normalization_mapping": {"VISUAL": "MEAN_STD", "STATE": "MIN_MAX", "ENV": "MIN_MAX", "ACTION": "MIN_MAX"},
    "down_dims": [8, 16, 32],
    "kernel_size": 5,
    "n_groups": 4,
    "diffusion_step_embed_dim": 16,
    "use_film_scale_modulation": True,
    "noise_scheduler_type": "DDPM",
    "num_train_timesteps": 20,
    "beta_schedule": "squaredcos_cap_v2",
    "beta_start": 1e-4,
    "beta_end": 0.02,
    "prediction_type": "epsilon",
    "clip_sample": True,
    "clip_sample_range": 1.0,
    "num_inference_steps": None,
}
SCHEDULER = (
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "clip_sample", "clip_sample_range",
    "prediction_type",
)  # fmt: skip


def weights(config: dict[str, Any], seed: int = 0) -> dict[str, Tensor]:
    """Random weights under LeRobot's names."""
    generator, found = torch.Generator().manual_seed(seed), dict[str, Tensor]()

    def put(name: str, *shape: int) -> None:
        size = max(math.prod(shape[1:]), 1)
        found[f"diffusion.unet.{name}.weight"] = torch.randn(shape, generator=generator) / size**0.5
        wide = shape[1] if ".2" in name and name.startswith("up") else shape[0]
        found[f"diffusion.unet.{name}.bias"] = 0.1 * torch.randn(wide, generator=generator)

    dims, kernel, told = config["down_dims"], config["kernel_size"], config["diffusion_step_embed_dim"]
    put("diffusion_step_encoder.1", 4 * told, told)
    put("diffusion_step_encoder.3", told, 4 * told)
    seen = [2 * config["spatial_softmax_num_keypoints"] if entry["type"] == "VISUAL" else entry["shape"][0]
            for entry in config["input_features"].values()]  # fmt: skip
    cond = told + config["n_obs_steps"] * sum(seen)

    def residual(name: str, inputs: int, outputs: int) -> None:
        put(f"{name}.cond_encoder.1", outputs * (2 if config["use_film_scale_modulation"] else 1), cond)
        for block, entering in (("conv1", inputs), ("conv2", outputs)):
            put(f"{name}.{block}.block.0", outputs, entering, kernel)
            put(f"{name}.{block}.block.1", outputs)
        if inputs != outputs:
            put(f"{name}.residual_conv", outputs, inputs, 1)

    for number, (inputs, outputs) in enumerate(zip([2, *dims[:-1]], dims, strict=True)):
        residual(f"down_modules.{number}.0", inputs, outputs)
        residual(f"down_modules.{number}.1", outputs, outputs)
        if number < len(dims) - 1:
            put(f"down_modules.{number}.2", outputs, outputs, 3)
    for number in (0, 1):
        residual(f"mid_modules.{number}", dims[-1], dims[-1])
    for number, (outputs, inputs) in enumerate(zip(dims[-2::-1], dims[:0:-1], strict=True)):
        residual(f"up_modules.{number}.0", 2 * inputs, outputs)
        residual(f"up_modules.{number}.1", outputs, outputs)
        put(f"up_modules.{number}.2", outputs, outputs, 4)
    put("final_conv.0.block.0", dims[0], dims[0], kernel)
    put("final_conv.0.block.1", dims[0])
    put("final_conv.1", 2, dims[0], 1)
    return found


def forward(config: dict[str, Any], tensors: dict[str, Tensor], x: Tensor, index: int, cond: Tensor) -> Tensor:
    """What the network makes of chunks (B, T, A) at an index of its table, under conditions (B, C)."""

    def of(name: str) -> tuple[Tensor, Tensor]:
        return tensors[f"diffusion.unet.{name}.weight"], tensors[f"diffusion.unet.{name}.bias"]

    def block(h: Tensor, name: str, groups: int) -> Tensor:
        h = F.conv1d(h, *of(f"{name}.block.0"), padding=config["kernel_size"] // 2)
        return F.mish(F.group_norm(h, groups, *of(f"{name}.block.1")))

    def residual(h: Tensor, name: str) -> Tensor:
        out = block(h, f"{name}.conv1", config["n_groups"])
        film = F.linear(F.mish(told), *of(f"{name}.cond_encoder.1"))[:, :, None]
        if config["use_film_scale_modulation"]:
            out = film[:, : out.shape[1]] * out + film[:, out.shape[1] :]
        else:
            out = out + film
        out = block(out, f"{name}.conv2", config["n_groups"])
        around = f"{name}.residual_conv"
        return out + (F.conv1d(h, *of(around)) if f"diffusion.unet.{around}.weight" in tensors else h)

    half = config["diffusion_step_embed_dim"] // 2
    phase = index * torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1)))
    waves = torch.cat([phase.sin(), phase.cos()])[None]
    time = F.linear(F.mish(F.linear(waves, *of("diffusion_step_encoder.1"))), *of("diffusion_step_encoder.3"))
    told = torch.cat([time.expand(len(x), -1), cond], 1)
    h, kept, levels = x.transpose(1, 2), [], len(config["down_dims"])
    for number in range(levels):
        h = residual(residual(h, f"down_modules.{number}.0"), f"down_modules.{number}.1")
        kept.append(h)
        if number < levels - 1:
            h = F.conv1d(h, *of(f"down_modules.{number}.2"), stride=2, padding=1)
    h = residual(residual(h, "mid_modules.0"), "mid_modules.1")
    for number in range(levels - 1):
        h = torch.cat([h, kept.pop()], 1)
        h = residual(residual(h, f"up_modules.{number}.0"), f"up_modules.{number}.1")
        h = F.conv_transpose1d(h, *of(f"up_modules.{number}.2"), stride=2, padding=1)
    return F.conv1d(block(h, "final_conv.0", 8), *of("final_conv.1")).transpose(1, 2)


def statistics(seed: int = 1, cameras: Sequence[str] = ()) -> dict[str, Tensor]:
    """Statistics of each feature, as the normaliser's file names them."""
    generator, found = torch.Generator().manual_seed(seed), dict[str, Tensor]()
    for name, size in (STATE, MORE, ACTION):
        low, high = (torch.rand(size, generator=generator) for _ in range(2))
        found |= {
            f"{name}.min": -5 * low,
            f"{name}.max": 1 + 9 * high,
            f"{name}.mean": high - low,
            f"{name}.std": low + 0.5,
        }
    for name in cameras:
        low, high = (torch.rand(3, 1, 1, generator=generator) for _ in range(2))
        found |= {
            f"{name}.min": 0.3 * low,
            f"{name}.max": 1 - 0.3 * high,
            f"{name}.mean": 0.3 + 0.4 * high,
            f"{name}.std": 0.1 + 0.3 * low,
        }
    return found


def normalise(config: dict[str, Any], name: str, kind: str, value: Tensor, *, back: bool = False) -> Tensor:
    """Values of a feature, last entries or of pictures channels first, as the network has them, or back."""
    mode = config["normalization_mapping"][kind]
    if mode == "IDENTITY":
        return value
    known = statistics(cameras=cameras_of(config))
    stats = {which: known[f"{name}.{which}"] for which in ("min", "max", "mean", "std")}
    if mode == "MEAN_STD":
        return value * stats["std"] + stats["mean"] if back else (value - stats["mean"]) / (stats["std"] + 1e-8)
    span = stats["max"] - stats["min"]
    return (value + 1) / 2 * span + stats["min"] if back else (value - stats["min"]) / span * 2 - 1


def cameras_of(config: dict[str, Any]) -> list[str]:
    """The features that are pictures."""
    return [name for name, entry in (config["input_features"] or {}).items() if entry["type"] == "VISUAL"]


def sampled(config: dict[str, Any], tensors: dict[str, Tensor], cond: Tensor, start: Tensor, drawn: Tensor) -> Tensor:
    """(B, T, A) actions under conditions (B, C), by the scheduler of diffusers that LeRobot takes."""
    import diffusers

    name = f"{config['noise_scheduler_type']}Scheduler"
    scheduler = getattr(diffusers, name)(**{key: config[key] for key in SCHEDULER})
    scheduler.set_timesteps(config["num_inference_steps"] or config["num_train_timesteps"])
    x, left = start, iter(drawn)
    for index in scheduler.timesteps:
        output = forward(config, tensors, x, int(index), cond)
        x = scheduler.step(output, index, x, generator=None).prev_sample if name == "DDIMScheduler" else _ddpm(
            scheduler, output, index, x, left
        )  # fmt: skip
    return normalise(config, "action", "ACTION", x, back=True)


def _ddpm(scheduler: Any, output: Tensor, index: Tensor, x: Tensor, left: Any) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("diffusers.schedulers.scheduling_ddpm.randn_tensor", lambda shape, **_: next(left))
        moved: Tensor = scheduler.step(output, index, x).prev_sample
        return moved


def write(folder: Path, config: dict[str, Any], tensors: dict[str, Tensor], *, old: bool = False) -> Path:
    """The folder as ``save_pretrained`` writes it; of old, with the statistics among the weights."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if old:
        buffers = {}
        for name, value in statistics(cameras=cameras_of(config)).items():
            feature, _, which = name.rpartition(".")
            group = "unnormalize_outputs" if feature == "action" else "normalize_inputs"
            buffers[f"{group}.buffer_{feature.replace('.', '_')}.{which}"] = value
        save_file({**tensors, **buffers}, folder / "model.safetensors")
        return folder
    save_file(tensors, folder / "model.safetensors")
    save_file(
        statistics(cameras=cameras_of(config)), folder / "policy_preprocessor_step_3_normalizer_processor.safetensors"
    )
    return folder
