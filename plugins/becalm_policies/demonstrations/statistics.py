"""What a policy takes from its demonstrations: scales of observations and actions. It travels in the checkpoint.

Strict: a policy without statistics refuses to act, and one that sees observations far outside what it was trained on
says so once.
"""

import warnings
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field

from becalm.plugin.settings import Settings
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.demonstrations.normalise import scales
from becalm_policies.demonstrations.spread import still
from becalm_policies.offline.reference import unpack
from becalm_policies.offline.ridge import apply

FAR = 0.5
"""How far beyond the training range an observation may lie, in ranges, before it is far outside."""

Row = tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Two arrays kept with settings, which compare by their fields alone: arrays have no truth value."""

    one: Array
    other: Array


class Statistics(Settings):
    """Ranges of the features and of the chunk's actions."""

    feature_low: Row = Field(description="Least value of each feature.")
    feature_high: Row = Field(description="Greatest value of each feature.")
    feature_shift: Row | None = Field(
        None, description="Feature that the network sees as 0; of older checkpoints the middle of the range."
    )
    feature_scale: Row | None = Field(
        None, description="What the network sees as 1 beside that; of older checkpoints half of the range."
    )
    observation_low: Row = Field(description="Least value of each observed entry.")
    observation_high: Row = Field(description="Greatest value of each observed entry.")
    action_shift: tuple[Row, ...] = Field(description="Chunk that is 0 in diffusion space, (Tp, A).")
    action_scale: tuple[Row, ...] = Field(description="Size of 1 in diffusion space, (Tp, A).")
    examples: tuple[tuple[Row, ...], ...] = Field((), description="A few observation windows (To, D) to sample for.")
    pictures: tuple[tuple[str, ...], ...] = Field((), description="Of the examples, one a camera: PNG in base 64.")
    linear: str = Field(
        "", description="Regression of features to the chunk, (To F + 1, Tp A) float32 in base64; empty for none."
    )

    @classmethod
    def of(
        cls,
        observations: Array,
        features: Array,
        chunks: Array,
        *,
        spread: bool,
        examples: Array,
        pictures: Sequence[Sequence[str]] = (),
        methods: Sequence[str] = (),
        action_methods: Sequence[str] = (),
    ) -> "Statistics":
        """The statistics of training windows.

        Args:
            observations: (N, D). features: (N, F). chunks: (W, Tp, A), relative where the policy's are.
            spread: Scale each step of the chunk by its standard deviation about 0, shared by the entries of an action;
                else every entry's range over all steps becomes [-1, 1].
            examples: (K, To, D). pictures: Of the first of the examples, by camera.
            methods: (F,) how each feature is scaled, see ``normalise``; default: by its range.
            action_methods: (A,) how each entry of an action is scaled, over all steps of a chunk; default: ``spread``.
        """
        by = action_methods or ([] if spread else ["range"] * chunks.shape[2])
        if by:
            entries = scales(chunks.reshape(-1, chunks.shape[2]), by)
            shift, scale = (np.broadcast_to(each, chunks.shape[1:]) for each in entries)
        else:
            shift = np.zeros(chunks.shape[1:])
            size = np.broadcast_to(np.sqrt((chunks**2).mean((0, 2)))[:, None], shift.shape)
            scale = np.where(size > 0, size, 1.0)
        feature_shift, feature_scale = scales(features, methods or ["range"] * features.shape[1])
        fields: dict[str, Any] = {
            "feature_low": features.min(0).tolist(),
            "feature_high": features.max(0).tolist(),
            "feature_shift": feature_shift.tolist(),
            "feature_scale": feature_scale.tolist(),
            "observation_low": observations.min(0).tolist(),
            "observation_high": observations.max(0).tolist(),
            "action_shift": shift.tolist(),
            "action_scale": scale.tolist(),
            "examples": examples.tolist(),
            "pictures": pictures,
        }
        return cls.model_validate(fields)

    def check(self, features: int, *, window: tuple[int, int], chunk: tuple[int, int]) -> None:
        """Refuses statistics of other sizes, which numpy and torch would stretch to fit.

        Args:
            features: F. window: (To, D). chunk: (Tp, A).

        Raises:
            ValueError: If a size is another.
        """
        for name, size in (("feature", features), ("observation", window[1])):
            for end in ("low", "high"):
                check_size(f"statistics.{name}_{end}", getattr(self, f"{name}_{end}"), size)
        for end in ("shift", "scale"):
            check_size(f"statistics.feature_{end}", getattr(self, f"feature_{end}"), features)
        matrices = [(name, getattr(self, name), chunk) for name in ("action_shift", "action_scale")]
        matrices += [("examples", example, window) for example in self.examples]
        for name, rows, (count, width) in matrices:
            check_size(f"statistics.{name}", rows, count)
            for row in rows:
                check_size(f"each row of statistics.{name}", row, width)
        if self.linear and len(self._linear) != window[0] * features + 1:
            raise ValueError(f"statistics.linear must have {window[0] * features + 1} rows, got {len(self._linear)}")

    def line(self, features: Array) -> Array:
        """(B, Tp, A) what the regression makes of normalised features (B, To, F); zeros where there is none."""
        shape = (len(features), *np.shape(self.action_shift))
        if not self.linear:
            return np.zeros(shape)
        return apply(self._linear, features.reshape(len(features), -1)).reshape(shape)

    @property
    def _linear(self) -> Array:
        return unpack(self.linear, int(np.prod(np.shape(self.action_shift))))

    def normalise(self, features: Array) -> Array:
        """(..., F) scaled, by default each feature's training range onto [-1, 1]; what never varied is moved to 0."""
        scaled: Array = (features - self._scales.one) / self._scales.other
        return scaled

    def within(self, observations: Array) -> Array:
        """(..., D) with every observed entry's training range mapped onto [-1, 1], likewise."""
        low, high = np.array(self.observation_low), np.array(self.observation_high)
        scaled: Array = (observations - (low + high) / 2) / np.where(still(low, high), 1.0, (high - low) / 2)
        return scaled

    @cached_property
    def _scales(self) -> _Pair:
        """What becomes 0 and what becomes 1 of each feature; (F,) each."""
        if self.feature_shift is not None and self.feature_scale is not None:
            return _Pair(np.array(self.feature_shift), np.array(self.feature_scale))
        low, high = np.array(self.feature_low), np.array(self.feature_high)
        half = (high - low) / 2
        return _Pair((low + high) / 2, np.where(half > 0, half, 1.0))

    @cached_property
    def _reach(self) -> _Pair:
        """Ends of the range of each observed entry beyond which it is far outside, (D,) each."""
        low, high = np.array(self.observation_low), np.array(self.observation_high)
        margin = FAR * np.maximum(high - low, 1e-6)
        return _Pair(low - margin, high + margin)

    def near(self, observations: Array) -> bool:
        """Whether no observation is far outside the training range, and so all are finite."""
        return bool(((observations > self._reach.one) & (observations < self._reach.other)).all())

    def warn_if_far(self, observations: Array) -> bool:
        """Warns if an observation lies far outside the training range; says whether it did."""
        outside = (observations < self._reach.one) | (observations > self._reach.other)
        if not bool(outside.any()):
            return False
        low, high = np.array(self.observation_low), np.array(self.observation_high)
        far = outside.reshape(-1, len(low)).any(0)
        entry = int(far.argmax())
        values = observations.reshape(-1, len(low))[:, entry]
        worst = values[np.abs(values - (low[entry] + high[entry]) / 2).argmax()]
        warnings.warn(
            f"observation entry {entry} is {worst:.4g}, far outside the training range "
            f"{low[entry]:.4g} to {high[entry]:.4g}: the policy was not trained for this",
            stacklevel=3,
        )
        return True


def check_entries(name: str, entries: Sequence[int], size: int) -> None:
    """Checks that numbers name entries of an observation, whose size is 0 before it is known.

    Raises:
        ValueError: If one does not.
    """
    wrong = [entry for entry in entries if not 0 <= entry < size]
    if wrong and size:
        raise ValueError(f"{name} must name entries from 0 to {size - 1}, got {wrong[0]}")


def check_size(name: str, values: Sized | None, size: int) -> None:
    """Refuses values that are there but not so many.

    Raises:
        ValueError: If so.
    """
    if values is not None and len(values) != size:
        raise ValueError(f"{name} must have {size} entries, got {len(values)}")
