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
    """Means over windows of ``per_window``."""
    return {name: float(values.mean()) for name, values in per_window(truth, draws, rivals, size).items()}


def per_window(truth: Array, draws: Array, rivals: Mapping[str, Array], size: Array) -> dict[str, Array]:
    """(N,) ``action_error`` and ``action_energy`` of a policy; the same with ``_NAME`` behind for each rival.

    Args:
        truth: (N, K) recorded actions, one window's executed chunk a row.
        draws: (S, N, K), S samples of a policy for each window; with one it is taken for certain.
        rivals: (N, K) predictions by name; ``mean`` must be among them.
        size: (K,) what counts as 1: the standard deviation of each entry over the demonstrations.
    """
    scaled = truth / size
    found: dict[str, Array] = {}
    for figure, measure in (("action_error", errors), ("action_energy", energies)):
        others = {f"{figure}_{name}": measure(scaled, guess[None] / size) for name, guess in rivals.items()}
        unit = float(others[f"{figure}_mean"].mean()) or 1.0
        each = {figure: measure(scaled, draws / size), **others}
        found |= {name: values / unit for name, values in each.items()}
    return found


def errors(truth: Array, draws: Array) -> Array:
    """(N,) squared error of the mean of all draws there could be: what the spread of so few adds is taken off.

    Args:
        truth: (N, K). draws: (S, N, K).
    """
    squares: Array = ((draws.mean(0) - truth) ** 2).mean(1)
    return squares if len(draws) == 1 else squares - draws.var(0, ddof=1).mean(1) / len(draws)


def energies(truth: Array, draws: Array) -> Array:
    """(N,) the energy score; of a single draw the distance.

    Args:
        truth: (N, K). draws: (S, N, K).
    """
    count = len(draws)
    away: Array = _distances(draws, truth).mean(0)
    if count == 1:
        return away
    apart = sum(_distances(draws[first], draws[first + 1 :]).sum(0) for first in range(count - 1))
    return np.asarray(away - apart / (count * (count - 1)))


def _distances(first: Array, second: Array) -> Array:
    distances: Array = np.linalg.norm(first - second, axis=-1)
    return distances
