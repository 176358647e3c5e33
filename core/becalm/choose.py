"""The path and the sampler that a request names."""

from typing import Any

from becalm.level import NoiseLevel
from becalm.plugin.request import SampleRequest
from becalm.sampler import DDIM, DDPM, DPMpp2M, DPMpp3M, DPMppSDE, Euler, Extra, Heun, Sampler, UniPC
from becalm.schedule import NoiseSchedule, levels, levels_at


def walk(schedule: NoiseSchedule, request: SampleRequest, start: float = 1.0) -> list[NoiseLevel]:
    """The path that a request names: its times, or its steps in its spacing.

    Args:
        start: First time, in (0, 1]; below 1 to edit an existing sample.

    Raises:
        ValueError: If ``start`` is below 1 and the request has times of its own.
    """
    if request.times is None:
        return levels(schedule, request.steps, spacing(request), start)
    if start != 1.0:
        raise ValueError(f"times say where to start: leave start at 1, got {start}")
    return levels_at(schedule, request.times)


def sampler(request: SampleRequest) -> Sampler:
    """The sampler that a request names, with its extra updates."""
    made: dict[str, Sampler] = {
        "ddpm": DDPM(request.variance),
        "ddim": DDIM(request.eta),
        "euler": Euler(request.churn),
        "heun": Heun(request.churn),
        "dpmpp2m": DPMpp2M(),
        "dpmpp3m": DPMpp3M(),
        "dpmppsde": DPMppSDE(),
        "unipc": UniPC(),
    }
    chosen = made[request.sampler]
    return Extra(chosen, request.extra) if request.extra else chosen


def spacing(request: SampleRequest) -> Any:
    """The spacing that a request names, or the sampler's usual one."""
    return request.spacing or ("karras" if request.sampler == "heun" else "trailing")
