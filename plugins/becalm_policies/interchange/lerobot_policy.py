"""A DiffusionPolicy of LeRobot as a checkpoint, with the same actions for the same noise. Imports no lerobot.

    config.json                             sizes, network, scheduler, normalisation
    model.safetensors                       weights; in files of lerobot before 0.4 also the statistics
    policy_preprocessor*.safetensors        the statistics of observations and actions

An observation is the robot's state, then the environment's state, in one row, as our reader of its datasets has it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from becalm.denoiser import Prediction
from becalm.errors import UserError, first_line, sentence
from becalm.files.checkpoint import Checkpoint
from becalm.gate.checkpoint import check
from becalm.gate.text import read_table
from becalm.objective import Denoising
from becalm.schedule import CappedCosine, Linear, Schedule
from becalm_policies.demonstrations.statistics import Statistics
from becalm_policies.domain import Policies

Array = npt.NDArray[np.float64]
_Ends = tuple[Array, Array]

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_NORMALIZER = "policy_preprocessor*normalizer*.safetensors"
_SEEN = ("observation.state", "observation.environment_state")
_NETWORK = "diffusion.unet."
_COUNTS: Mapping[str, int] = {
    "horizon": 10_000,
    "n_obs_steps": 10_000,
    "n_action_steps": 10_000,
    "num_train_timesteps": 1_000_000,
    "kernel_size": 1000,
    "n_groups": 100_000,
    "diffusion_step_embed_dim": 100_000,
}
"""Whole numbers that a configuration must have, and the most that each may be."""
_PREDICTIONS: Mapping[str, Prediction] = {"epsilon": "eps", "sample": "x0"}
_EPS = 1e-8
"""What LeRobot adds to a spread, or puts in the place of a range that is 0."""
_MODES: Mapping[str, tuple[str, str]] = {
    "MIN_MAX": ("min", "max"),
    "MEAN_STD": ("mean", "std"),
    "QUANTILES": ("q01", "q99"),
    "QUANTILE10": ("q10", "q90"),
}


def read(folder: Path) -> Checkpoint:
    """The checkpoint of a folder that ``save_pretrained`` wrote.

    Raises:
        UserError: If it holds no DiffusionPolicy, one that sees pictures, or one of settings that have no counterpart.
    """
    config = _config(folder)
    tensors = _tensors(folder / WEIGHTS)
    stats = _statistics(folder, tensors)
    seen = [name for name in _SEEN if name in config["input_features"]]
    ends = [_ends(config, stats, name) for name in seen]
    low, high = (np.concatenate([pair[end] for pair in ends]) for end in (0, 1))
    least, most = (np.concatenate([_bound(stats, name, end, pair) for name, pair in zip(seen, ends, strict=True)])
                   for end in (0, 1))  # fmt: skip
    domain = _domain(config, (low, high), (least, most), _ends(config, stats, "action"))
    weights = {f"network.{name[len(_NETWORK) :]}": value.float() for name, value in tensors.items()
               if name.startswith(_NETWORK)}  # fmt: skip
    parts = {"settings": domain, "schedule": schedule_of(config), "objective": objective_of(config)}
    described = {name: part.model_dump(mode="json") for name, part in parts.items()}
    return Checkpoint(weights, {"domain": domain.name, **described, "step": 0})


def sampling_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """How its chunks are sampled, as our section ``sampling``."""
    name = _choice(config, "noise_scheduler_type", ("DDPM", "DDIM"))
    clip = float(config.get("clip_sample_range", 1.0)) if config.get("clip_sample", True) else 0.0
    steps = config.get("num_inference_steps") or config["num_train_timesteps"]
    shared = {"steps": steps, "spacing": "leading", "temperature": 1.0}
    if name == "DDIM":
        # Its DDIM takes the noise from the estimate before clipping.
        return {"sampler": {"kind": "ddim", "clip_sample": clip}, **shared}
    return {"sampler": "ddpm", **shared, "clip": clip}


def architecture_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Its network, as our section ``architecture``."""
    return {
        "kind": "lerobot-unet",
        "widths": config["down_dims"],
        "kernel": config["kernel_size"],
        "groups": config["n_groups"],
        "embedding": config["diffusion_step_embed_dim"],
        "timesteps": config["num_train_timesteps"],
        "scales": config["use_film_scale_modulation"],
    }


def _domain(config: Mapping[str, Any], features: _Ends, reach: _Ends, acting: _Ends) -> Policies:
    low, high = acting
    horizon, history = int(config["horizon"]), int(config["n_obs_steps"])
    shift, scale = (low + high) / 2, (high - low) / 2
    middle = np.broadcast_to((features[0] + features[1]) / 2, (1, history, len(features[0])))
    try:
        statistics = Statistics(
            feature_low=features[0].tolist(),
            feature_high=features[1].tolist(),
            observation_low=reach[0].tolist(),
            observation_high=reach[1].tolist(),
            action_shift=np.tile(shift, (horizon, 1)).tolist(),
            action_scale=np.tile(scale, (horizon, 1)).tolist(),
            examples=middle.tolist(),
        )
        return Policies(
            data="",
            bounds="raw",
            reference="none",
            history=history,
            horizon=horizon,
            execute=config["n_action_steps"],
            tail=config.get("drop_n_last_frames", 7),
            architecture=architecture_of(config),
            sampling=sampling_of(config),
            observation_size=len(features[0]),
            action_size=len(low),
            statistics=statistics,
        )
    except ValidationError as error:
        raise UserError(f"{CONFIG} has no counterpart here: {sentence(error)}") from error


def objective_of(config: Mapping[str, Any]) -> Denoising:
    """What its network predicts.

    Raises:
        UserError: If it is neither the noise nor the chunk.
    """
    return Denoising(prediction=_PREDICTIONS[_choice(config, "prediction_type", _PREDICTIONS)], drop=0.0)


def schedule_of(config: Mapping[str, Any]) -> Schedule:
    """Its table of betas.

    Raises:
        UserError: If it is neither the capped cosine nor linear.
    """
    steps = int(config["num_train_timesteps"])
    if _choice(config, "beta_schedule", ("squaredcos_cap_v2", "linear")) == "linear":
        return Linear(steps=steps, first=config["beta_start"], last=config["beta_end"])
    return CappedCosine(steps=steps)


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.exists():
        raise UserError(f"{path} is missing: name the folder of a LeRobot policy, as save_pretrained writes it")
    config = read_table(path, "file")
    kind = config.get("type", "diffusion")
    if kind != "diffusion" or "down_dims" not in config:
        raise UserError(f"{folder} holds a policy of type {kind}: only diffusion has a counterpart here")
    seen, acting = config.get("input_features"), config.get("output_features")
    if not isinstance(seen, dict) or not isinstance(acting, dict) or "action" not in acting:
        raise UserError(f"{path} names no input_features, or no action among output_features: it is too old")
    others = sorted(name for name in seen if name not in _SEEN)
    if others:
        raise UserError(
            f"{folder} sees {', '.join(others)}: a policy with a counterpart here sees {' and '.join(_SEEN)} alone"
        )
    check_counts(path, config)
    for name in (*seen, "action"):
        check_feature(path, name, {**seen, **acting}[name])
    return config


def check_counts(path: Path, config: Mapping[str, Any]) -> None:
    """Refuses a configuration without the numbers that it must have.

    Raises:
        UserError: If one is missing, or no such number.
    """
    for name, most in _COUNTS.items():
        if name not in config:
            raise UserError(f"{path} has no {name}: it is no whole configuration")
        value = config[name]
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise UserError(f"{path}: {name} must be a whole number from 1 to {most}, got {value!r}")
    span = config.get("clip_sample_range", 1.0)
    if not isinstance(span, int | float) or not 0 < span < 1e6:
        raise UserError(f"{path}: clip_sample_range must be a number above 0, got {span!r}")
    if not isinstance(config.get("normalization_mapping", {}), dict):
        raise UserError(f"{path}: normalization_mapping must be an object, got {config['normalization_mapping']!r}")


def check_feature(path: Path, name: str, feature: Any) -> None:
    """Refuses a feature that is no row of numbers.

    Raises:
        UserError: If so.
    """
    shape = feature.get("shape") if isinstance(feature, dict) else None
    sized = isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], int) and 1 <= shape[0] <= 1_000_000
    if not sized or not isinstance(feature.get("type"), str):
        raise UserError(f"{path}: feature {name} must have a type and a shape of one size, got {feature!r}")


def _tensors(path: Path) -> dict[str, Tensor]:
    if not path.exists():
        raise UserError(f"{path} is missing: name the folder of a LeRobot policy, as save_pretrained writes it")
    try:
        check(path, "file")
        return load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} cannot be read, it is damaged or cut short: {first_line(error)}") from error


def _statistics(folder: Path, tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    """Statistics by name, such as ``observation.state.min``."""
    old = {name: value for name, value in tensors.items() if ".buffer_" in name}
    if old:
        # normalize_inputs.buffer_observation_state.min, and the action's under unnormalize_outputs.
        known = {name.replace(".", "_"): name for name in (*_SEEN, "action")}
        found = {}
        for name, value in old.items():
            key, _, which = name.partition(".buffer_")[2].rpartition(".")
            found[f"{known.get(key, key)}.{which}"] = value.double().numpy()
        return found
    files = sorted(folder.glob(_NORMALIZER))
    if not files:
        raise UserError(f"{folder} has no {_NORMALIZER}: the statistics that its observations are normalised by")
    return {name: value.double().numpy() for name, value in _tensors(files[0]).items()}


def _ends(config: Mapping[str, Any], stats: Mapping[str, Array], name: str) -> _Ends:
    """What of a feature becomes -1 and 1."""
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


def _bound(stats: Mapping[str, Array], name: str, end: int, ends: _Ends) -> Array:
    """Least or greatest value of a feature in training; what is normalised to -1 or 1 where that is not told."""
    return stats.get(f"{name}.{('min', 'max')[end]}", ends[end])


def _choice(config: Mapping[str, Any], name: str, known: Any) -> str:
    value = str(config.get(name))
    if value not in known:
        raise UserError(f"{name} is {value}: it must be one of {', '.join(known)} to have a counterpart here")
    return value
