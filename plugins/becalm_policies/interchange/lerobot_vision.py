"""The pictures of a LeRobot policy: its cameras, its encoders, and how their weights stand here.

    diffusion.rgb_encoder.*        one encoder for all cameras
    diffusion.rgb_encoder.0.*      one for each

What a step tells its U-Net is the state, what is seen, then the environment's state; here what is seen comes last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from becalm.errors import UserError, sentence
from becalm_policies.control.sensing import called
from becalm_policies.demonstrations.looking import as_text
from becalm_policies.interchange.lerobot_statistics import Array, Ends
from becalm_policies.networks.vision import ResNetVision, Size

_DEPTHS = {"resnet18": 18, "resnet34": 34}
_ENCODER = "diffusion.rgb_encoder."
_COUNTED = ".num_batches_tracked"
"""What batch norm counts, and has no use for when acting."""
_MOST = 10_000
"""Pixels of a side."""


@dataclass(frozen=True, slots=True)
class Looking:
    """How a LeRobot policy looks at pictures.

    Attributes:
        cameras: Their names here, by the feature's.
        size: Height and width of all pictures.
    """

    cameras: Mapping[str, str]
    size: Size
    vision: ResNetVision

    def settings(self) -> dict[str, Any]:
        """What of a policy's settings says this."""
        sizes = (self.size,) * len(self.cameras)
        return {"cameras": tuple(self.cameras.values()), "camera_sizes": sizes, "vision": self.vision}

    def weights(self, path: Path, tensors: Mapping[str, Tensor], ends: Mapping[str, Ends]) -> dict[str, Tensor]:
        """The encoders' tensors as ``Seeing`` names them.

        Args:
            path: The file that the tensors are of. ends: What of each feature's channels becomes -1 and 1.

        Raises:
            UserError: If they are not those of such encoders.
        """
        found: dict[str, Tensor] = {}
        for number in range(1 if self.vision.shared else len(self.cameras)):
            before = _ENCODER if self.vision.shared else f"{_ENCODER}{number}."
            there = {name.removeprefix(before): value for name, value in tensors.items()
                     if name.startswith(before) and not name.endswith(_COUNTED)}  # fmt: skip
            self._check(path, before, there)
            found |= {f"encoders.rgb_encoder.{number}.{name}": value.float() for name, value in there.items()}
        low, high = np.array([ends[name] for name in self.cameras]).swapaxes(0, 1)
        if not np.isfinite([low, high]).all():
            raise UserError(f"the statistics of {', '.join(self.cameras)} must be finite, got NaN or infinity")
        scales = {"encoders.shift": (low + high) / 2, "encoders.scale": (high - low) / 2}
        return found | {name: torch.from_numpy(value).float() for name, value in scales.items()}

    def pictures(self, stats: Mapping[str, Array]) -> tuple[tuple[str, ...], ...]:
        """An example: pictures of one colour, the mean of each camera's where it is told."""
        means = [stats.get(f"{name}.mean", np.full(3, 0.5)) for name in self.cameras]
        colours = [np.rint(255 * mean.clip(0, 1)).astype(np.uint8) for mean in means]
        return (tuple(as_text(np.broadcast_to(colour, (*self.size, 3))) for colour in colours),)

    def _check(self, path: Path, before: str, there: Mapping[str, Tensor]) -> None:
        """Compares tensors with an encoder's, which has no memory."""
        with torch.device("meta"):
            own = self.vision.encoder(self.size).state_dict()
        what = f"the encoder, a resnet{self.vision.depth} with {self.vision.norm} norm,"
        for name in sorted(own.keys() ^ there.keys()):
            if name in own:
                raise UserError(f"{path} has no {before}{name}: {what} must have it")
            raise UserError(f"{path} holds {before}{name}: {what} has no such weight")
        for name, mine in own.items():
            if mine.shape != there[name].shape:
                shapes = f"of shape {list(mine.shape)}, got {list(there[name].shape)}"
                raise UserError(f"{path}: {before}{name} must be {shapes}")


def looking_of(path: Path, config: Mapping[str, Any]) -> Looking | None:
    """How the policy of a configuration looks at pictures; None where it sees none.

    Raises:
        UserError: If its pictures or its encoder have no counterpart.
    """
    features = {name: each for name, each in config["input_features"].items() if is_picture(each)}
    if not features:
        return None
    sizes = {name: _size(path, name, each.get("shape")) for name, each in features.items()}
    size = next(iter(sizes.values()))
    for name, other in sizes.items():
        if other != size:
            raise UserError(f"{path}: pictures must be of one size, but {next(iter(sizes))} is {size}, {name} {other}")
    cameras = {name: called(name) for name in features}
    if len({*cameras.values()}) < len(cameras):
        raise UserError(f"{path}: cameras must have names of their own, got {', '.join(cameras)}")
    return Looking(cameras, size, vision_of(path, config))


def vision_of(path: Path, config: Mapping[str, Any]) -> ResNetVision:
    """Its encoder, as our section ``vision``.

    Raises:
        UserError: If the configuration does not say it, or there is no such encoder here.
    """
    for name in ("vision_backbone", "spatial_softmax_num_keypoints", "use_group_norm"):
        if name not in config:
            raise UserError(f"{path} has no {name}: a policy that sees pictures must say it")
    backbone = str(config["vision_backbone"])
    if backbone not in _DEPTHS:
        raise UserError(f"vision_backbone is {backbone}: it must be {' or '.join(_DEPTHS)} to have a counterpart here")
    told = {
        "blank": False,
        "frames": config["n_obs_steps"],
        "keypoints": config["spatial_softmax_num_keypoints"],
        "depth": _DEPTHS[backbone],
        "norm": "group" if _truth(path, config, "use_group_norm") else "batch",
        "shared": not _truth(path, config, "use_separate_rgb_encoder_per_camera"),
        "resized": config.get("resize_shape"),
        "cropped": _cropped(path, config),
    }
    try:
        return ResNetVision.model_validate(told)
    except ValidationError as error:
        raise UserError(f"{path} has no counterpart here: {sentence(error)}") from error


def is_picture(feature: Any) -> bool:
    """Whether a feature of the configuration is a camera's."""
    return isinstance(feature, dict) and feature.get("type") == "VISUAL"


def seen_last(weights: Mapping[str, Tensor], sizes: tuple[int, int, int], history: int) -> dict[str, Tensor]:
    """The U-Net's weights with the columns of what is seen behind those of the environment's state, in every step.

    Args:
        sizes: Entries of the state, of what is seen, and of the environment's state.
    """
    state, seen, more = torch.arange(sum(sizes)).split(sizes)
    step = torch.cat([state, more, seen])
    steps = (torch.arange(history)[:, None] * len(step) + step).flatten()

    def moved(name: str, value: Tensor) -> Tensor:
        first = value.shape[-1] - len(steps)
        if not name.endswith("cond_encoder.1.weight") or first < 0:
            return value
        return torch.cat([value[:, :first], value[:, first + steps]], dim=1)

    return {name: moved(name, value) for name, value in weights.items()}


def _size(path: Path, name: str, shape: Any) -> Size:
    if (
        not isinstance(shape, list)
        or len(shape) != 3
        or shape[0] != 3
        or not all(isinstance(side, int) and 1 <= side <= _MOST for side in shape)
    ):
        raise UserError(f"{path}: pictures of {name} must be of shape [3, height, width], got {shape!r}")
    return shape[1], shape[2]


def _cropped(path: Path, config: Mapping[str, Any]) -> Any:
    """The part that is looked at: of what is brought to a size, a share."""
    resized, share = config.get("resize_shape"), config.get("crop_ratio", 1.0)
    if resized is None:
        return config.get("crop_shape")
    if not isinstance(resized, list) or not all(isinstance(side, int) for side in resized):
        raise UserError(f"{path}: resize_shape must be a height and a width, got {resized!r}")
    if not isinstance(share, int | float) or not 0 < share <= 1:
        raise UserError(f"{path}: crop_ratio must be a number above 0, at most 1, got {share!r}")
    return [int(side * share) for side in resized] if share < 1 else None


def _truth(path: Path, config: Mapping[str, Any], name: str) -> bool:
    """A truth value; false where a version of LeRobot did not know it yet."""
    value = config.get(name, False)
    if not isinstance(value, bool):
        raise UserError(f"{path}: {name} must be true or false, got {value!r}")
    return value
