"""Tensors and statistics of a LeRobot policy's folder: what of a feature becomes -1 and 1."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from becalm.errors import UserError
from becalm.files.checkpoint import read_tensors

Array = npt.NDArray[np.float64]
Ends = tuple[Array, Array]

_NORMALIZER = "policy_preprocessor*normalizer*.safetensors"
_EPS = 1e-8
"""What LeRobot adds to a spread, or puts in the place of a range that is 0."""
_MODES: Mapping[str, tuple[str, str]] = {
    "MIN_MAX": ("min", "max"),
    "MEAN_STD": ("mean", "std"),
    "QUANTILES": ("q01", "q99"),
    "QUANTILE10": ("q10", "q90"),
}


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name.

    Raises:
        UserError: If it is missing or damaged.
    """
    if not path.exists():
        raise UserError(f"{path} is missing: name the folder of a LeRobot policy, as save_pretrained writes it")
    return read_tensors(path)


def statistics(folder: Path, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> dict[str, Array]:
    """Statistics by name, such as ``observation.state.min``: of the weights' file, or of one beside it.

    Raises:
        UserError: If there are none.
    """
    old = {name: value for name, value in weights.items() if ".buffer_" in name}
    if old:
        # normalize_inputs.buffer_observation_state.min, and the action's under unnormalize_outputs.
        known = {name.replace(".", "_"): name for name in (*config["input_features"], "action")}
        found = {}
        for name, value in old.items():
            key, _, which = name.partition(".buffer_")[2].rpartition(".")
            found[f"{known.get(key, key)}.{which}"] = _row(value)
        return found
    files = sorted(folder.glob(_NORMALIZER))
    if not files:
        raise UserError(f"{folder} has no {_NORMALIZER}: the statistics that its observations are normalised by")
    return {name: _row(value) for name, value in tensors(files[0]).items()}


def ends(config: Mapping[str, Any], stats: Mapping[str, Array], name: str) -> Ends:
    """What of a feature becomes -1 and 1; of pictures, for each channel.

    Raises:
        UserError: If the statistics do not say it.
    """
    features = {**config["input_features"], **config["output_features"]}
    kind, size = str(features[name]["type"]), int(features[name]["shape"][0])
    mode = config.get("normalization_mapping", {}).get(kind, "IDENTITY")
    if mode == "IDENTITY":
        return -np.ones(size), np.ones(size)
    if mode not in _MODES:
        raise UserError(f"normalization_mapping of {kind} is {mode}: it must be one of {', '.join(_MODES)} or IDENTITY")
    values = [stats.get(f"{name}.{which}") for which in _MODES[mode]]
    if any(value is None or value.shape != (size,) for value in values):
        raise UserError(f"the statistics have no {' and '.join(_MODES[mode])} of {size} entries for {name}")
    low, high = (np.asarray(value) for value in values)
    if mode == "MEAN_STD":
        # Theirs divides by the spread and a little more, and multiplies by the spread alone.
        spread = high if name == "action" else high + _EPS
        return low - spread, low + spread
    if name == "action":
        return low, np.where(high > low, high, low + _EPS)
    # What never varied is -1 there at its one value, whatever the range is taken for.
    return low, np.where(high > low, high, low + 2)


def bound(stats: Mapping[str, Array], name: str, end: int, pair: Ends) -> Array:
    """Least or greatest value of a feature in training; what is normalised to -1 or 1 where that is not told."""
    return stats.get(f"{name}.{('min', 'max')[end]}", pair[end])


def _row(value: Tensor) -> Array:
    """A statistic as a row; of pictures it comes as (channels, 1, 1)."""
    array: Array = value.double().numpy()
    return array[:, 0, 0] if array.shape[1:] == (1, 1) else array
