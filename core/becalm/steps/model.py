"""Steps fitted for a model: its checkpoint with its own few levels."""

import time
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from becalm.errors import UserError
from becalm.model.model import Model
from becalm.request import SampleRequest
from becalm.steps.fit import Fit, fit
from becalm.steps.local import Walked

C = TypeVar("C")


def fit_steps(
    model: Model[C], request: SampleRequest, calls: int, *, fine: int = 48, minutes: float = 5.0
) -> tuple[Model[C], Fit]:
    """The model with times of so many sampler steps as its default, and how near they come to a fine walk.

    Args:
        request: How it is sampled: sampler, guidance, and ``count`` samples to fit on, of a seed.
        calls: Sampler steps.
        fine: Steps of the teacher's walk.
        minutes: After which no more times are tried.

    Raises:
        UserError: If the request has times of its own, the sampler adds noise, or calls are not below ``fine``.
    """
    request = model.with_defaults(request)
    if not 1 <= calls < fine:
        raise UserError(f"calls must be from 1 to {fine - 1}, below the teacher's {fine} steps, got {calls}")
    over = time.perf_counter() + 60 * minutes

    def asked(**fields: object) -> SampleRequest:
        return request.model_copy(update={"batch": request.count, "times": None, **fields})

    def ends(times: tuple[float, ...]) -> Tensor:
        return _walk(model, asked(times=times))[-1]

    walked = _walked(model, asked(steps=fine))
    default = tuple(model.prepare(asked(steps=calls)).path.t[:-1].tolist())
    found = fit(request.sampler, walked, calls, ends, default, lambda: time.perf_counter() < over)
    sampling = {"sampler": request.sampler.model_dump(mode="json"), "times": list(found.times)}
    return replace(model, config={**model.config, "sampling": sampling}), found


def _walk(model: Model[C], request: SampleRequest) -> list[Tensor]:
    return [step.x for step in model.prepare(request).steps()]


def _walked(model: Model[C], request: SampleRequest) -> Walked:
    run = model.prepare(request)
    first, steps = run.start(), list(run.steps())
    return Walked(run.path, torch.stack([first, *(step.x for step in steps)]), torch.stack([step.x0 for step in steps]))
