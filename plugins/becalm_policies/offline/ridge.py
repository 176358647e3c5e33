"""Ridge regression whose strength is chosen on episodes left out: the plainest policy, and a reference for others.

    W = (X' X + s I)^-1 X' Y,    columns of X and Y centred and of unit variance

(Hoerl and Kennard 1970.) The strength s has the least error on fifths of the episodes, each left out once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]

FOLDS = 5
WAVES = 256
"""Random features beside the linear ones, for a regression that can bend."""
STRENGTHS = tuple(10.0**power for power in range(-3, 5))
"""Strengths per window: s is so many times a thousandth of the number of windows."""


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """A linear map from inputs (N, F) to outputs (N, K).

    Attributes:
        weights: (F + 1, K), the last row the constant.
        left_out: (N, K) what maps that had not seen a row's episode made of it.
        explained: Share of the outputs' variance, each at unit size, that these explain; 0 where nothing varies.
    """

    weights: Array
    left_out: Array
    explained: float

    def __call__(self, inputs: Array) -> Array:
        """(N, K) of inputs (N, F)."""
        return apply(self.weights, inputs)


def apply(weights: Array, inputs: Array) -> Array:
    """(..., K) of weights (F + 1, K) and inputs (..., F)."""
    out: Array = inputs @ weights[:-1] + weights[-1]
    return out


def bend(features: Array) -> Array:
    """Features (N, F), normalised to about [-1, 1], and cosines in random directions beside them, (N, F + WAVES).

    Some are slow and some fast: what Gaussian kernels of four widths see (Rahimi and Recht 2007).
    """
    rng, width = np.random.default_rng(0), features.shape[1]
    pace = np.repeat([0.5, 1.0, 2.0, 4.0], WAVES // 4) / np.sqrt(width)
    phases = features @ (rng.normal(size=(width, WAVES)) * pace) + rng.uniform(0, 2 * np.pi, WAVES)
    return np.concatenate([features, np.cos(phases)], axis=1)


def ridge(inputs: Array, outputs: Array, groups: Groups, strengths: Sequence[float] = STRENGTHS) -> Ridge:
    """The regression of outputs on inputs.

    Args:
        inputs: (N, F). outputs: (N, K).
        groups: (N,) the episode of each row; rows of one are left out together. With one episode alone, its fifths.
        strengths: To choose from.
    """
    middle, size = outputs.mean(0), _sizes(outputs)
    # What is constant varies by its rounding, which is nothing to explain.
    scaled = np.where(_varies(outputs), (outputs - middle) / size, 0.0)
    folds = _folds(groups)
    errors = np.zeros(len(strengths))
    guesses = [np.zeros_like(scaled) for _ in strengths]
    for fold in range(int(folds.max()) + 1):
        out = folds == fold
        maps = _solve(inputs[~out], scaled[~out], strengths)
        for number, weights in enumerate(maps):
            guesses[number][out] = apply(weights, inputs[out])
            errors[number] += float(((guesses[number][out] - scaled[out]) ** 2).sum())
    best = int(errors.argmin())
    weights = _solve(inputs, scaled, strengths[best : best + 1])[0] * size
    weights[-1] += middle
    spread = float((scaled**2).sum())
    explained = 1 - float(errors[best]) / spread if spread > 0 else 0.0
    return Ridge(weights, guesses[best] * size + middle, explained)


def _folds(groups: Groups) -> Groups:
    """(N,) the part of the episodes that each row belongs to."""
    names, place = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        return np.arange(len(groups)) * min(FOLDS, len(groups)) // len(groups)
    return np.asarray(place % min(FOLDS, len(names)), np.int64)


def _sizes(values: Array) -> Array:
    """Standard deviation of each column, 1 where it does not vary."""
    return np.where(_varies(values), values.std(0), 1.0)


def _varies(values: Array) -> npt.NDArray[np.bool_]:
    """Which columns vary by more than rounding."""
    varies: npt.NDArray[np.bool_] = values.std(0) > 1e-9 * np.abs(values).max(0, initial=0)
    return varies


def _solve(inputs: Array, outputs: Array, strengths: Sequence[float]) -> list[Array]:
    """(F + 1, K) for each strength, by one decomposition."""
    middle, size = inputs.mean(0), _sizes(inputs)
    x, mean = (inputs - middle) / size, outputs.mean(0)
    values, vectors = np.linalg.eigh(x.T @ x)
    target = vectors.T @ (x.T @ (outputs - mean))
    maps = []
    for strength in strengths:
        shrunk = target / (np.maximum(values, 0) + 1e-3 * strength * len(x))[:, None]
        weights = (vectors @ shrunk) / size[:, None]
        maps.append(np.concatenate([weights, (mean - middle @ weights)[None]]))
    return maps
