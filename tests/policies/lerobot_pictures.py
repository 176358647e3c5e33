"""LeRobot's encoder of pictures from its documented layout, as functions of named weights; shares nothing with ours."""

from typing import Any

import numpy as np
import torch
from lerobot_layout import CONFIG, MORE, cameras_of, normalise
from torch import Tensor
from torch.nn import functional as F

SEEN: dict[str, Any] = {
    "vision_backbone": "resnet18",
    "crop_shape": [43, 57],
    "crop_is_random": True,
    "pretrained_backbone_weights": None,
    "use_group_norm": True,
    "spatial_softmax_num_keypoints": 5,
    "use_separate_rgb_encoder_per_camera": False,
    "noise_scheduler_type": "DDIM",
    "num_inference_steps": 4,
}
SIZE = (48, 64)
"""The spare is odd on both sides: 5 and 7 pixels."""
BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}


def seeing(*cameras: str, more: bool = False, size: tuple[int, int] = SIZE, **changes: Any) -> dict[str, Any]:
    """The configuration of a policy that sees; the environment's state comes last."""
    state = {name: entry for name, entry in CONFIG["input_features"].items() if name != MORE[0]}
    pictures = {name: {"type": "VISUAL", "shape": [3, *size]} for name in cameras}
    last = {MORE[0]: CONFIG["input_features"][MORE[0]]} if more else {}
    return {**CONFIG, **SEEN, "input_features": {**state, **pictures, **last}, **changes}


def encoder_weights(config: dict[str, Any], seed: int = 3) -> dict[str, Tensor]:
    """Random weights of the encoders under LeRobot's names."""
    generator, found = torch.Generator().manual_seed(seed), dict[str, Tensor]()

    def some(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    def norm(name: str, channels: int) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = 1 + 0.2 * some(channels), 0.2 * some(channels)
        if not config["use_group_norm"]:
            found[f"{name}.running_mean"] = 0.1 * some(channels)
            found[f"{name}.running_var"] = 0.5 + some(channels).abs()
            found[f"{name}.num_batches_tracked"] = torch.tensor(7)

    def convolution(name: str, outputs: int, inputs: int, side: int) -> None:
        found[f"{name}.weight"] = some(outputs, inputs, side, side) * (2 / (inputs * side**2)) ** 0.5

    points = config["spatial_softmax_num_keypoints"]
    for before in prefixes(config):
        convolution(f"{before}backbone.0", 64, 3, 7)
        norm(f"{before}backbone.1", 64)
        inputs = 64
        for stage, count in enumerate(BLOCKS[config["vision_backbone"]]):
            outputs = 64 * 2**stage
            for number in range(count):
                name = f"{before}backbone.{4 + stage}.{number}"
                convolution(f"{name}.conv1", outputs, inputs, 3)
                norm(f"{name}.bn1", outputs)
                convolution(f"{name}.conv2", outputs, outputs, 3)
                norm(f"{name}.bn2", outputs)
                if inputs != outputs:
                    convolution(f"{name}.downsample.0", outputs, inputs, 1)
                    norm(f"{name}.downsample.1", outputs)
                inputs = outputs
        convolution(f"{before}pool.nets", points, 512, 1)
        found[f"{before}pool.nets.bias"] = some(points)
        x, y = np.meshgrid(*(np.linspace(-1, 1, -(-side // 32)) for side in reversed(shown_size(config))))
        grid = np.concatenate([x.reshape(-1, 1), y.reshape(-1, 1)], 1)
        found[f"{before}pool.pos_grid"] = torch.from_numpy(grid).float()
        found[f"{before}out.weight"], found[f"{before}out.bias"] = some(2 * points, 2 * points), some(2 * points)
    return found


def prefixes(config: dict[str, Any]) -> list[str]:
    """What the names of each encoder's weights begin with."""
    if config["use_separate_rgb_encoder_per_camera"]:
        return [f"diffusion.rgb_encoder.{number}." for number in range(len(cameras_of(config)))]
    return ["diffusion.rgb_encoder."]


def shown_size(config: dict[str, Any]) -> tuple[int, int]:
    """Height and width of what the backbone looks at."""
    size = tuple(config["crop_shape"] or config.get("resize_shape") or SIZE)
    return size[0], size[1]


def encode(config: dict[str, Any], tensors: dict[str, Tensor], before: str, pictures: Tensor) -> Tensor:
    """(N, 2 K) what an encoder makes of normalised pictures (N, 3, H, W)."""

    def norm(h: Tensor, name: str) -> Tensor:
        weight, bias = (tensors[f"{name}.{which}"][:, None, None] for which in ("weight", "bias"))
        if config["use_group_norm"]:
            groups = h.reshape(len(h), h.shape[1] // 16, -1)
            spread = groups.var(2, unbiased=False, keepdim=True)
            h = ((groups - groups.mean(2, keepdim=True)) / (spread + 1e-5).sqrt()).reshape(h.shape)
        else:
            mean, spread = (tensors[f"{name}.running_{which}"][:, None, None] for which in ("mean", "var"))
            h = (h - mean) / (spread + 1e-5).sqrt()
        return weight * h + bias

    def convolution(h: Tensor, name: str, stride: int) -> Tensor:
        weight = tensors[f"{name}.weight"]
        return F.conv2d(h, weight, stride=stride, padding=weight.shape[-1] // 2)

    h = pictures
    if config.get("resize_shape"):
        h = F.interpolate(h, config["resize_shape"], mode="bilinear", antialias=True, align_corners=False)
    if config["crop_shape"]:
        high, wide = config["crop_shape"]
        top, left = round((h.shape[2] - high) / 2), round((h.shape[3] - wide) / 2)
        h = h[:, :, top : top + high, left : left + wide]
    h = norm(convolution(h, f"{before}backbone.0", 2), f"{before}backbone.1").relu()
    h = F.max_pool2d(h, 3, 2, 1)
    for stage, count in enumerate(BLOCKS[config["vision_backbone"]]):
        for number in range(count):
            name, stride = f"{before}backbone.{4 + stage}.{number}", 2 if stage and not number else 1
            inner = norm(convolution(h, f"{name}.conv1", stride), f"{name}.bn1").relu()
            inner = norm(convolution(inner, f"{name}.conv2", 1), f"{name}.bn2")
            if f"{name}.downsample.0.weight" in tensors:
                h = norm(convolution(h, f"{name}.downsample.0", stride), f"{name}.downsample.1")
            h = (inner + h).relu()
    maps = F.conv2d(h, tensors[f"{before}pool.nets.weight"], tensors[f"{before}pool.nets.bias"])
    share = maps.flatten(2).exp() / maps.flatten(2).exp().sum(2, keepdim=True)
    points = torch.einsum("nkp,pc->nkc", share, tensors[f"{before}pool.pos_grid"]).flatten(1)
    return (points @ tensors[f"{before}out.weight"].T + tensors[f"{before}out.bias"]).relu()


def looked(config: dict[str, Any], tensors: dict[str, Tensor], pictures: dict[str, Tensor]) -> list[Tensor]:
    """(B, To, 2 K) what is seen in the pictures of each camera, uint8 (B, To, H, W, 3)."""
    names = prefixes(config) * (1 if len(prefixes(config)) > 1 else len(pictures))
    found = []
    for before, camera in zip(names, cameras_of(config), strict=True):
        shown = normalise(config, camera, "VISUAL", pictures[camera].movedim(-1, -3).float() / 255)
        found.append(encode(config, tensors, before, shown.flatten(0, 1)).unflatten(0, shown.shape[:2]))
    return found


def condition(config: dict[str, Any], tensors: dict[str, Tensor], seen: Tensor, pictures: dict[str, Tensor]) -> Tensor:
    """(B, C) what the U-Net is told of observations (B, To, D), the state before the environment's, and of pictures."""
    parts = [normalise(config, "observation.state", "STATE", seen[..., :2]), *looked(config, tensors, pictures)]
    if seen.shape[-1] > 2:
        parts.append(normalise(config, MORE[0], "ENV", seen[..., 2:]))
    return torch.cat(parts, -1).flatten(1)
