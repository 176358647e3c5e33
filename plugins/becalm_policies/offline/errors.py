"""How far predicted actions are from recorded ones, without units: 1 is what the constant mean leaves.

    error   = mean over entries of  E (mean of the draws - action)^2 / var(action)
    energy  = E |draw - action| - 1/2 E |draw - draw'|,  over E |mean - action|

The first asks for the mean alone, so it favours regression. The second is the energy score (Gneiting and Raftery 2007,
eq. 21), least for draws of the true distribution: where demonstrations go two ways, only who goes both does well.
"""

from collections.abc import Mapping

import numpy as np

from becalm_policies.offline.ridge import Array


def figures(truth: Array, draws: Array, rivals: Mapping[str, Array], size: Array) -> dict[str, float]:
    """``action_error`` and ``action_energy`` of a policy; the same with ``_NAME`` behind for each rival.

    Args:
        truth: (N, K) recorded actions, one window's executed chunk a row.
        draws: (S, N, K), S samples of a policy for each window; with one it is taken for certain.
        rivals: (N, K) predictions by name; ``mean`` must be among them.
        size: (K,) what counts as 1: the standard deviation of each entry over the demonstrations.
    """
    scaled = truth / size
    mine = draws / size
    others = {name: guess / size for name, guess in rivals.items()}
    errors = {name: float(((guess - scaled) ** 2).mean()) for name, guess in others.items()}
    energies = {name: _distance(guess, scaled) for name, guess in others.items()}
    whole, unit = errors["mean"] or 1.0, energies["mean"] or 1.0
    found = {"action_error": error(scaled, mine) / whole}
    found |= {f"action_error_{name}": value / whole for name, value in errors.items()}
    found["action_energy"] = energy(scaled, mine) / unit
    found |= {f"action_energy_{name}": value / unit for name, value in energies.items()}
    return found


def error(truth: Array, draws: Array) -> float:
    """Mean squared error of the mean of all draws there could be: what the spread of so few adds is taken off.

    Args:
        truth: (N, K). draws: (S, N, K).
    """
    squares = float(((draws.mean(0) - truth) ** 2).mean())
    return squares if len(draws) == 1 else squares - float(draws.var(0, ddof=1).mean()) / len(draws)


def energy(truth: Array, draws: Array) -> float:
    """The energy score, mean over windows; of a single draw the distance.

    Args:
        truth: (N, K). draws: (S, N, K).
    """
    count = len(draws)
    away = _distance(draws, truth)
    if count == 1:
        return away
    apart = sum(_distance(draws[first], draws[first + 1 :]) * (count - 1 - first) for first in range(count - 1))
    return away - apart / (count * (count - 1))


def _distance(first: Array, second: Array) -> float:
    return float(np.linalg.norm(first - second, axis=-1).mean())
