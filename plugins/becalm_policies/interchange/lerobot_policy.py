"""A DiffusionPolicy of LeRobot as a checkpoint, with the same actions for the same noise. Imports no lerobot.

    config.json                             sizes, network, scheduler, normalisation
    model.safetensors                       weights; in files of lerobot before 0.4 also the statistics
    policy_preprocessor*.safetensors        the statistics of observations and actions

An observation is the robot's state, then the environment's state, in one row, as our reader of its datasets has it;
and the pictures of its cameras (``lerobot_vision``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from becalm.denoiser import Prediction
from becalm.errors import UserError, sentence
from becalm.files.checkpoint import Checkpoint
from becalm.gate.text import read_table
from becalm.objective import Denoising
from becalm.schedule import CappedCosine, Linear, Schedule
from becalm_policies.demonstrations.statistics import Statistics
from becalm_policies.domain import Policies
from becalm_policies.interchange.lerobot_statistics import Array, Ends, bound, ends, statistics, tensors
from becalm_policies.interchange.lerobot_vision import is_picture, looking_of, seen_last

CONFIG, WEIGHTS = "config.json", "model.safetensors"
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


def read(folder: Path) -> Checkpoint:
    """The checkpoint of a folder that ``save_pretrained`` wrote.

    Raises:
        UserError: If it holds no DiffusionPolicy, or one of settings that have no counterpart.
    """
    config = _config(folder)
    looking = looking_of(folder / CONFIG, config)
    there = tensors(folder / WEIGHTS)
    stats = statistics(folder, config, there)
    scales = {name: ends(config, stats, name) for name in (*config["input_features"], "action")}
    weights = {name[len(_NETWORK) :]: value.float() for name, value in there.items() if name.startswith(_NETWORK)}
    shown: dict[str, Any] = {}
    if looking is not None:
        shown = {**looking.settings(), "pictures": looking.pictures(stats)}
        state, more = (len(scales[name][0]) if name in scales else 0 for name in _SEEN)
        told = (state, looking.vision.seen(len(looking.cameras), 0), more)
        weights = {f"network.{name}": value for name, value in seen_last(weights, told, config["n_obs_steps"]).items()}
        weights |= looking.weights(folder / WEIGHTS, there, scales)
    parts = {
        "settings": _domain(config, stats, scales, shown),
        "schedule": schedule_of(config),
        "objective": objective_of(config),
    }
    described = {name: part.model_dump(mode="json") for name, part in parts.items()}
    named = {f"network.{name}": value for name, value in weights.items()}
    return Checkpoint(named, {"domain": Policies.name, **described, "step": 0})


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


def _domain(
    config: Mapping[str, Any], stats: Mapping[str, Array], scales: Mapping[str, Ends], shown: dict[str, Any]
) -> Policies:
    """The policy's settings.

    Args:
        scales: What of each feature becomes -1 and 1. shown: Settings of its cameras, and the pictures of an example.
    """
    seen = [name for name in _SEEN if name in scales]
    features = tuple(np.concatenate([scales[name][end] for name in seen]) for end in (0, 1))
    reach = [np.concatenate([bound(stats, name, end, scales[name]) for name in seen]) for end in (0, 1)]
    low, high = scales["action"]
    horizon, history = int(config["horizon"]), int(config["n_obs_steps"])
    shift, scale = (low + high) / 2, (high - low) / 2
    middle = np.broadcast_to((features[0] + features[1]) / 2, (1, history, len(features[0])))
    try:
        kept = Statistics(
            feature_low=features[0].tolist(),
            feature_high=features[1].tolist(),
            observation_low=reach[0].tolist(),
            observation_high=reach[1].tolist(),
            action_shift=np.tile(shift, (horizon, 1)).tolist(),
            action_scale=np.tile(scale, (horizon, 1)).tolist(),
            examples=middle.tolist(),
            pictures=shown.pop("pictures", ()),
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
            statistics=kept,
            **shown,
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
    others = sorted(name for name in seen if name not in _SEEN and not is_picture(seen[name]))
    if others:
        raise UserError(
            f"{folder} sees {', '.join(others)}: a policy with a counterpart here sees pictures, {' and '.join(_SEEN)}"
        )
    if _SEEN[0] not in seen:
        raise UserError(f"{folder} sees no {_SEEN[0]}: a policy with a counterpart here must see it")
    check_counts(path, config)
    for name in (*(name for name in _SEEN if name in seen), "action"):
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


def _choice(config: Mapping[str, Any], name: str, known: Any) -> str:
    value = str(config.get(name))
    if value not in known:
        raise UserError(f"{name} is {value}: it must be one of {', '.join(known)} to have a counterpart here")
    return value
