"""What is handed to a policy: arrays of numbers, or one sentence that says why not. Nothing is stored before that."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError, first_line, shown, unknown
from becalm_policies.demonstrations.episodes import Array, Indices

Mask = npt.NDArray[np.bool_]
Autoreset = Any
"""``next-step``, ``same-step``, ``disabled``, or gymnasium's ``AutoresetMode``."""
_MODES = {mode.replace("-", ""): mode for mode in ("next-step", "same-step", "disabled")}


def observations(values: npt.ArrayLike, size: int) -> Array:
    """Observations (D,) or (B, D), float64.

    Raises:
        UserError: If they have another size, or are no finite real numbers.
    """
    array = _array("an observation", values, "fiub", "real numbers").astype(np.float64, copy=False)
    if array.ndim not in (1, 2) or array.shape[-1] != size or not len(array):
        raise UserError(f"an observation must have {size} entries, got shape {array.shape}")
    _check_finite(array)
    return array


def windows(values: npt.ArrayLike, history: int, size: int) -> Array:
    """Windows of observations (B, To, D), float64.

    Raises:
        UserError: As for ``observations``.
    """
    array = _array("windows of observations", values, "fiub", "real numbers").astype(np.float64, copy=False)
    if array.ndim != 3 or array.shape[1:] != (history, size) or not len(array):
        raise UserError(f"windows of observations must have shape (B, {history}, {size}), got {array.shape}")
    _check_finite(array)
    return array


def mask(values: npt.ArrayLike, count: int) -> Mask:
    """Which of ``count`` environments, (B,) truth values.

    Raises:
        UserError: If there are more or fewer, or they are something else.
    """
    array = _array("mask", values, "biu", "truth values")
    if array.dtype.kind != "b":
        if not np.isin(array, (0, 1)).all():
            raise UserError(f"mask must be truth values, got {shown(array.tolist())}")
        array = array.astype(bool)
    if array.shape != (count,):
        raise UserError(f"mask must have one entry per environment, ({count},), got {array.shape}")
    return array


def numbers(values: npt.ArrayLike, count: int | None = None) -> Indices:
    """Numbers of streams of noise, (B,) int64; one number stands for all.

    Args:
        count: How many there are; None for any number from 1 on.

    Raises:
        UserError: If they are no whole numbers from 0 on, or not so many.
    """
    array = np.atleast_1d(_array("numbers", values, "iu", "whole numbers"))
    if array.ndim != 1 or not len(array) or (count is not None and len(array) not in (1, count)):
        wanted = "a row of at least one" if count is None else f"one per environment, {count}"
        raise UserError(f"numbers must be {wanted}, got shape {array.shape}")
    if bool((array < 0).any()) or bool((array > np.iinfo(np.int64).max).any()):
        raise UserError(f"numbers must be at least 0 and below 2^63, got {shown(array.tolist())}")
    whole: Indices = array.astype(np.int64)
    return whole if count is None else np.broadcast_to(whole, (count,)).copy()


def check_age(age: object, ahead: int) -> None:
    """Checks the age of observations in control steps against the actions that a chunk has from them on.

    Raises:
        UserError: If it is no whole number from 0 on, or no action is left.
    """
    if isinstance(age, bool) or not isinstance(age, int | np.integer) or age < 0:
        raise UserError(f"age must be a whole number of control steps, at least 0, got {shown(age)}")
    if age >= ahead:
        raise UserError(f"an observation must be less than {ahead} control steps old, got {age}: chunks end there")


def autoreset(mode: Autoreset | None) -> str | None:
    """When a vector environment begins episodes: ``next-step``, ``same-step``, ``disabled``, None if not said.

    Raises:
        UserError: If it is something else.
    """
    if mode is None:
        return None
    name = str(getattr(mode, "value", mode))
    found = _MODES.get(name.lower().replace("-", "").replace("_", ""))
    if found is None:
        raise unknown("autoreset", name, _MODES.values())
    return found


def _array(what: str, values: Any, kinds: str, wanted: str) -> npt.NDArray[Any]:
    if isinstance(values, np.ndarray):  # What comes at every control step is let through quickly.
        if values.dtype.kind in kinds and type(values) is np.ndarray:
            return values
    elif isinstance(values, Mapping):
        raise UserError(f"{what} must be one array of {wanted}, got a mapping with {shown(list(values))}")
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise UserError(f"{what} must be {wanted}, got an array with masked entries")
    try:
        array = np.asarray(values)
    except Exception as error:  # Ragged lists, tensors of another device, arrays of other libraries.
        raise UserError(f"{what} must be {wanted}, got {type(values).__name__}: {first_line(error)}") from error
    if array.dtype.kind not in kinds:
        raise UserError(f"{what} must be {wanted}, got {shown(values)} of type {array.dtype}")
    return array


def _check_finite(array: Array) -> None:
    if not np.isfinite(array).all():
        entry = int(np.argwhere(~np.isfinite(array))[0, -1])
        raise UserError(f"observations must be finite, got NaN or infinity in entry {entry}")
