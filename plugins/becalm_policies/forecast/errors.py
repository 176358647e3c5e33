"""How far observations are foretold wrong on episodes that were left out, beside foretelling no change."""

from dataclasses import dataclass

import numpy as np

from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.forecast.dynamics import Forecast
from becalm_policies.forecast.training import Steps

HORIZONS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True, eq=False)
class Error:
    """Mean absolute errors some steps ahead.

    Attributes:
        steps: How many. count: Of how many forecasts. foretold: (D,). still: (D,) of saying that nothing changes.
    """

    steps: int
    count: int
    foretold: Array
    still: Array


def errors(forecast: Forecast, episodes: Episodes) -> list[Error]:
    """The errors at each of ``HORIZONS`` that the episodes are long enough for."""
    data = Steps.of(episodes)
    found = []
    for steps in HORIZONS:
        now = data.at_least(steps)
        if not len(now):
            continue
        true = episodes.observations[now + steps]
        said = forecast(data.seen(now), data.actions(now, steps))[:, -1]
        apart, still = (forecast.turned(each - true) for each in (said, episodes.observations[now]))
        found.append(Error(steps, len(now), np.abs(apart).mean(0), np.abs(still).mean(0)))
    return found
