"""A path is a sequence of levels, what a sampler walks: mostly down from noise to clean, but it may go up as well.

    path = levels(Cosine(), 20)
    path[5:]                    from the sixth level on: edit what is given there
    path.reversed()[1:]         up again: encode a sample as noise
    path + path[10:]            down, half of the way once more

It is a value. What depends on a path is kept by caches of pure functions, whose key it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import overload

import torch
from torch import Tensor

from becalm.level import NoiseLevel


@dataclass(frozen=True, eq=False)
class Path(Sequence[NoiseLevel]):
    """Levels, stacked.

    Attributes:
        t: (L,) times, float64.
        alpha, sigma: (L, ...) float64; scalars of each level, or one number per coordinate.
    """

    t: Tensor
    alpha: Tensor
    sigma: Tensor

    @classmethod
    def of(cls, levels: Iterable[NoiseLevel]) -> "Path":
        """The path of these levels, which is they themselves if they are one."""
        if isinstance(levels, Path):
            return levels
        each = list(levels)
        if not each:
            return cls(*(torch.zeros(0, dtype=torch.float64) for _ in range(3)))
        t = torch.stack([level.t.double().reshape(-1)[0].cpu() for level in each])
        shapes = [level.alpha.shape for level in each] + [level.sigma.shape for level in each]
        shape = torch.broadcast_shapes(*shapes)
        alpha, sigma = (
            torch.stack([getattr(level, name).double().expand(shape) for level in each]) for name in ("alpha", "sigma")
        )
        return cls(t, alpha, sigma)

    @cached_property
    def _levels(self) -> tuple[NoiseLevel, ...]:
        each = zip(self.t.unbind(), self.alpha.unbind(), self.sigma.unbind(), strict=True)
        return tuple(NoiseLevel(*level) for level in each)

    def __len__(self) -> int:
        return len(self.t)

    @overload
    def __getitem__(self, index: int) -> NoiseLevel: ...
    @overload
    def __getitem__(self, index: slice) -> "Path": ...
    def __getitem__(self, index: int | slice) -> "NoiseLevel | Path":
        if isinstance(index, slice):
            part = torch.tensor(range(len(self))[index], dtype=torch.long)
            return Path(self.t[part], self.alpha[part], self.sigma[part])
        return self._levels[index]

    def __add__(self, other: Iterable[NoiseLevel]) -> "Path":
        return Path.of([*self, *other])

    def reversed(self) -> "Path":
        """The path the other way round."""
        return self[::-1]

    @property
    def scalar(self) -> bool:
        """Whether its levels are scalars, not one number per coordinate."""
        return self.alpha.dim() == 1

    @property
    def rises(self) -> list[bool]:
        """Which of its moves, L - 1, end at a level that is noisier in the mean of its coordinates."""
        angle = torch.atan2(self.sigma, self.alpha).reshape(len(self), -1).mean(1).diff()
        # At pure noise the angle stays while sigma grows.
        more = self.sigma.reshape(len(self), -1).mean(1).diff() > 0
        return ((angle > 0) | (angle == 0) & more).tolist()

    def on(self, x: Tensor) -> tuple[NoiseLevel, ...]:
        """The levels on x's device, float64, so that no step of a run copies or waits; their times stay here."""
        return _on(self, x.device)


@lru_cache(maxsize=256)
def _on(path: Path, device: torch.device) -> tuple[NoiseLevel, ...]:
    if path.alpha.device == device:
        return path._levels
    moved = zip(path.t.unbind(), path.alpha.to(device).unbind(), path.sigma.to(device).unbind(), strict=True)
    return tuple(NoiseLevel(*level) for level in moved)
