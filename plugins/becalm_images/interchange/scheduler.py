"""The scheduler of diffusers as a configuration, to and from our schedule and prediction. Imports no diffusers.

Its index i is our time (i + 1) / T: its alphas_cumprod[i] is our alpha^2 there.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from becalm.denoiser import Prediction
from becalm.errors import UserError, first_line, sentence, unknown
from becalm.objective import Objective
from becalm.schedule import Discrete, Linear, NoiseSchedule, Schedule, betas, rescale_zero_terminal_snr

_PREDICTIONS: dict[Prediction, str] = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
_DEFAULTS = {
    "num_train_timesteps": 1000,
    "beta_start": 1e-4,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "trained_betas": None,
    "rescale_betas_zero_snr": False,
    "prediction_type": "epsilon",
}
_OTHERS = ("FlowMatch", "Edm", "EDM", "ScoreSde", "Karras", "CM", "LCM", "VQ", "Amused")


def to_config(schedule: NoiseSchedule, objective: Objective, steps: int) -> dict[str, Any]:
    """The configuration of a DDPMScheduler with ``steps`` indices; each of its grids ends where ours do, at clean.

    Raises:
        UserError: If diffusers has no such prediction, or its DDPM no such schedule.
    """
    if objective.prediction not in _PREDICTIONS:
        raise UserError(
            f"a network that predicts {objective.prediction} does not go over to diffusers: "
            f"its DDPM and DDIM take {', '.join(_PREDICTIONS)}"
        )
    return {
        "_class_name": "DDPMScheduler",
        "num_train_timesteps": steps,
        **_beta_config(schedule, steps),
        "prediction_type": _PREDICTIONS[objective.prediction],
        "variance_type": "learned_range" if objective.learned else "fixed_small",
        "clip_sample": True,
        "clip_sample_range": 1.0,
        "timestep_spacing": "trailing",
        "steps_offset": 0,
        "rescale_betas_zero_snr": False,
        "thresholding": False,
    }


def _beta_config(schedule: NoiseSchedule, steps: int) -> dict[str, Any]:
    if isinstance(schedule, Linear) and schedule.steps == steps:
        return {"beta_schedule": "linear", "beta_start": schedule.first, "beta_end": schedule.last}
    try:
        return {"beta_schedule": "linear", "trained_betas": betas(schedule, steps).tolist()}
    except ValueError as error:
        kind = getattr(schedule, "kind", type(schedule).__name__)
        raise UserError(f"schedule {kind!r} does not go over to diffusers: {error}") from error


def schedule_of(config: Mapping[str, Any]) -> Schedule:
    """The schedule of a scheduler's configuration.

    Raises:
        UserError: If it is none of a table of betas.
    """
    name = str(config.get("_class_name", ""))
    if name.startswith(_OTHERS) or not name.endswith("Scheduler"):
        raise UserError(
            f"scheduler {name or '?'} has no table of betas: DDPMScheduler, DDIMScheduler and their like do"
        )
    settings = {**_DEFAULTS, **config}
    plain = settings["beta_schedule"] == "linear" and settings["trained_betas"] is None
    try:
        if plain and not settings["rescale_betas_zero_snr"]:
            first, last = settings["beta_start"], settings["beta_end"]
            return Linear(steps=settings["num_train_timesteps"], first=first, last=last)
        values = _exact(_betas(settings))
        if settings["rescale_betas_zero_snr"]:
            values = rescale_zero_terminal_snr(values)
        return Discrete(betas=tuple(values.tolist()))
    except ValidationError as error:
        raise UserError(f"the scheduler's table of betas is not valid: {sentence(error)}") from error
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        raise UserError(f"the scheduler's table of betas cannot be read: {first_line(error)}") from error


def prediction_of(config: Mapping[str, Any]) -> Prediction:
    """What the network of a scheduler's configuration predicts.

    Raises:
        UserError: If it is something else than eps, x0 or v.
    """
    named = {theirs: ours for ours, theirs in _PREDICTIONS.items()}
    wanted = str(config.get("prediction_type", _DEFAULTS["prediction_type"]))
    if wanted not in named:
        raise unknown("prediction_type", wanted, named)
    return named[wanted]


def flags(config: Mapping[str, Any]) -> str:
    """The flags with which ``becalm images sample`` goes the way of a DDPM or DDIM pipeline with this scheduler."""
    ddim = config.get("_class_name") == "DDIMScheduler"
    steps = 50 if ddim else config.get("num_train_timesteps", 1000)
    words = [f"--sampler {'ddim' if ddim else 'ddpm'}", f"--steps {steps}"]
    words.append(f"--spacing {config.get('timestep_spacing', 'leading')}")
    variance = {"fixed_large": "large", "learned_range": "learned"}.get(str(config.get("variance_type")))
    words += [f"--variance {variance}"] if variance and not ddim else []
    return " ".join([*words, f"--threshold {'static' if config.get('clip_sample', True) else 'none'}"])


def _exact(rounded: Tensor) -> Tensor:
    """Betas, float64, whose products are those that diffusers takes in float32: it is them that a network knows."""
    bars = torch.cumprod(1 - rounded, 0).double()
    exact = 1 - bars / torch.cat([bars.new_ones(1), bars[:-1]])
    return exact if bool((exact > 0).all()) else rounded.double()


def _betas(settings: Mapping[str, Any]) -> Tensor:
    """The table as diffusers makes it, rounded to float32 as there."""
    kind, steps = settings["beta_schedule"], settings["num_train_timesteps"]
    first, last = settings["beta_start"], settings["beta_end"]
    if settings["trained_betas"] is not None:
        return torch.tensor(settings["trained_betas"], dtype=torch.float32)
    if kind == "linear":
        return torch.linspace(first, last, steps, dtype=torch.float32)
    if kind == "scaled_linear":
        return torch.linspace(first**0.5, last**0.5, steps, dtype=torch.float32).square()
    if kind == "sigmoid":
        rising: Tensor = torch.sigmoid(torch.linspace(-6, 6, steps)) * (last - first) + first
        return rising
    if kind == "squaredcos_cap_v2":
        bars = [math.cos((index / steps + 0.008) / 1.008 * math.pi / 2) ** 2 for index in range(steps + 1)]
        return torch.tensor([min(1 - bars[index + 1] / bars[index], 0.999) for index in range(steps)])
    raise unknown("beta_schedule", str(kind), ("linear", "scaled_linear", "sigmoid", "squaredcos_cap_v2"))
