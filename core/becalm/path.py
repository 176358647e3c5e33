"""A sampler's path as one object: what depends on the levels alone is computed for all of them at once, and once.

A step of a small network takes less time than a dozen operations on scalars, so these happen before the loop. Whoever
samples again and again along the same list of levels, as a policy does, pays for them only the first time.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from becalm.level import NoiseLevel

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The levels of a path, stacked.

    Attributes:
        levels: t, alpha and sigma (L, ...), float64, where the levels were made.
        like: A tensor with the device and dtype of the run.
        tables: What has been derived so far, by key.
    """

    levels: NoiseLevel
    like: Tensor
    tables: dict[Hashable, list[Any]] = field(default_factory=dict, repr=False)

    def table(self, key: Hashable, rows: Callable[["Path"], list[Row]]) -> list[Row]:
        """``rows(self)``, one entry per level or step, computed at the first call with this key."""
        found = self.tables.get(key)
        if found is None:
            found = self.tables[key] = rows(self)
        return found

    def on(self, x: Tensor) -> list[NoiseLevel]:
        """The levels on x's device, in x's dtype, each knowing its place; their times stay where they are."""
        return self.table((x.device, x.dtype), lambda path: _placed(path, x))


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Level number ``index`` of a path."""

    path: Path
    index: int


def along(levels: list[NoiseLevel], x: Tensor) -> list[NoiseLevel]:
    """A path on x's device, in x's dtype, each level knowing its place, so that no step of a run copies or waits."""
    path = whole(levels)
    if path is None:
        t, alpha, sigma = (torch.stack([getattr(level, name) for level in levels]) for name in ("t", "alpha", "sigma"))
        path = Path(NoiseLevel(t, alpha.double(), sigma.double()), x)
    return path.on(x)


def whole(levels: list[NoiseLevel]) -> Path | None:
    """The path that these levels are, if they are one: every level of it, in order."""
    place = levels[0].place if levels else None
    if place is None or len(levels) != len(place.path.levels.t):
        return None
    path = place.path
    inside = all(
        level.place is not None and level.place.path is path and level.place.index == index
        for index, level in enumerate(levels)
    )
    return path if inside else None


def numbers(x: Tensor, *values: Tensor) -> list[tuple[Tensor, ...]]:
    """One tuple of coefficients per level, from (L, ...) each, on x's device in its dtype; scalars at least in float32.

    As tensors without axes they cost half of what plain numbers do, which torch would wrap anew in each operation.
    """
    wide = torch.promote_types(x.dtype, torch.float32)  # Without axes a wider dtype leaves the result's alone.
    moved = (value.to(x.device, wide if value.dim() == 1 else x.dtype) for value in values)
    return list(zip(*(value.unbind() for value in moved), strict=True))


def _placed(path: Path, x: Tensor) -> list[NoiseLevel]:
    moved = Path(path.levels, x.new_empty(0))
    levels = path.levels
    entries = zip(levels.t.unbind(), levels.alpha.to(x).unbind(), levels.sigma.to(x).unbind(), strict=True)
    placed = [NoiseLevel(*entry, Place(moved, index)) for index, entry in enumerate(entries)]
    moved.tables[(x.device, x.dtype)] = placed
    return placed
