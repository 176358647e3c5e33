"""A forecast as a file: one safetensors file with its shape in the header, like a checkpoint."""

import json
from pathlib import Path

from pydantic import ValidationError

from becalm.errors import UserError, sentence, unknown
from becalm.files.checkpoint import Checkpoint
from becalm.gate import network as gate
from becalm_policies.domain import Policies
from becalm_policies.forecast.dynamics import Forecast, Shape

BUNDLED = ("pusht",)
_PREFIX = "forecast."


def checkpoint(forecast: Forecast) -> Checkpoint:
    """What is written."""
    tensors = {f"{_PREFIX}{name}": value for name, value in forecast.state_dict().items()}
    return Checkpoint(tensors, {"forecast": json.loads(forecast.shape.model_dump_json())})


def place(name: str) -> Path:
    """The file of a bundled forecast, or the file of that name.

    Raises:
        UserError: If there is neither.
    """
    if name in BUNDLED:
        return Path(__file__).parents[1] / "pretrained" / f"{name}-forecast.safetensors"
    path = Path(name)
    if path.suffix == ".safetensors" or path.is_file():
        return path
    raise unknown("forecast", name, BUNDLED)


def digest(name: str) -> str:
    """SHA-256 of what a forecast holds, in hex.

    Raises:
        UserError: If there is none, or its file is damaged.
    """
    return Checkpoint.read(place(name)).digest


def read(name: str, domain: Policies | None = None) -> Forecast:
    """A forecast by name or from a file.

    Args:
        domain: Of the policy that it is for.

    Raises:
        UserError: If there is none, the file holds something else or is damaged, or it does not fit the policy.
    """
    path = place(name)
    stored = Checkpoint.read(path)
    if not isinstance(stored.config.get("forecast"), dict):
        raise UserError(f"{path} holds no forecast: make one by becalm policies forecast")
    try:
        shape = Shape.model_validate(stored.config["forecast"])
    except ValidationError as error:
        raise UserError(f"{path}: {sentence(error)}") from error
    if domain is not None:
        check(shape, domain)
    return gate.fitted(lambda: Forecast(shape), stored.below(_PREFIX)).eval().requires_grad_(False)


def check(shape: Shape, domain: Policies) -> None:
    """Refuses a forecast of something else than a policy observes.

    Raises:
        UserError: If so.
    """
    check_seen(domain)
    mine, its = (domain.observation_size, domain.action_size), (shape.observation_size, shape.action_size)
    if mine != its:
        raise UserError(
            f"the forecast has observations of {its[0]} and actions of {its[1]} entries, the policy {mine[0]} and "
            f"{mine[1]}"
        )
    if shape.environment and domain.environment and shape.environment != domain.environment:
        raise UserError(f"the forecast is of {shape.environment}, the policy for {domain.environment}")


def check_seen(domain: Policies) -> None:
    """Refuses policies whose observations cannot be foretold.

    Raises:
        UserError: If the policy sees pictures.
    """
    if domain.sizes or domain.cameras or domain.hidden:
        raise UserError("a forecast is of observations that are vectors of numbers, and this policy sees pictures")
