"""The error of each single step that a sampler could take along a teacher's paths, without a call of the network.

A step from level i to level j, after one from h to i, needs the estimates at h, i and j at most. The teacher's walk has
visited all levels, so its estimates are those of each such step that begins on its path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.path import Path
from becalm.process import GAUSSIAN
from becalm.sampler import Known, Sampler


@dataclass(frozen=True, eq=False)
class Walked:
    """A teacher's walk.

    Attributes:
        path: Its L levels, the last clean.
        x: (L, N, ...) samples at each.
        x0: (L - 1, N, ...) estimates at all but the clean one.
    """

    path: Path
    x: Tensor
    x0: Tensor


def local_errors(sampler: Sampler, walked: Walked) -> tuple[Tensor, Tensor]:
    """Errors of single steps, the mean over rows of |x - x'| / total_std at their ends.

    Returns:
        Those of a first step from level 0 to each level, (L,), and those of a step from i to j after h, (L, L, L) at
        [h, i, j]; infinity where there is none.

    Raises:
        UserError: If the sampler adds noise, so that its steps follow no path.
    """
    count = len(walked.path)
    first = torch.full((count,), torch.inf, dtype=torch.float64)
    errors = torch.full((count, count, count), torch.inf, dtype=torch.float64)
    for end in range(1, count):
        first[end] = _error(sampler, walked, (0, end))
    for before in range(count - 2):
        for now in range(before + 1, count - 1):
            for end in range(now + 1, count):
                errors[before, now, end] = _error(sampler, walked, (before, now, end))
    return first, errors


def _error(sampler: Sampler, walked: Walked, numbers: Sequence[int]) -> float:
    """That of the last of some steps, which begins at the teacher's x and looks back at its estimates."""
    levels = [walked.path[number] for number in numbers]
    path = Path.of(levels)
    estimates = {id(level): number for level, number in zip(levels, numbers, strict=True)}

    def denoise(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        return walked.x0[estimates[id(level)]]

    known, carry, x = Known(denoise, None, GAUSSIAN), None, walked.x[numbers[0]]
    for place, row in enumerate(sampler.rows(path)):
        x, _, carry = sampler.step(
            _on(row, x), walked.x[numbers[place]], levels[place], levels[place + 1], known, _no_noise, carry
        )
    wrong = (x - walked.x[numbers[-1]]) / levels[-1].total_std.to(x)
    return float(wrong.reshape(len(x), -1).square().mean(1).sqrt().mean())


def _on(row: Any, x: Tensor) -> Any:
    return tuple(part.to(x) if isinstance(part, Tensor) else part for part in row)


def _no_noise(like: Tensor) -> Tensor:
    raise UserError("steps are fitted for samplers without noise, such as ddim with eta 0 or dpmpp2m")
