"""Composition of conditions: and, not, as sums and differences of scores (Liu et al. 2022, eq. 11-13; Du et al. 2023).

    score = score(x) + sum_i w_i (score(x | c_i) - score(x)),   so on estimates   x0 = u + sum_i w_i (x0_i - u)

p(x | c_1 and c_2) is proportional to p(x) prod_i p(c_i | x) if the conditions are independent given x; w_i = 1 says
and, w_i < 0 not. Above clean the sum is not the score of the noised product, so a walk by it alone is biased: Langevin
steps at each level (a predictor-corrector) bring it to the sequence of products, whose end is the right one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from becalm.cond import join
from becalm.denoiser.protocol import Denoiser, wrap
from becalm.errors import UserError
from becalm.guidance.protocol import Scale, per_row
from becalm.level import NoiseLevel

C = TypeVar("C")


@dataclass(frozen=True, eq=False)
class Combine(Generic[C]):
    """Estimates under several conditions as one; a call of as many times B, and once more for the null condition.

    Attributes:
        terms: For each condition its weight, and what makes it of the sampler's own: ``lambda cond: cond`` for that
            itself.
        drop: Makes the null condition of a condition.
    """

    terms: Sequence[tuple[Scale, Callable[[C], C]]]
    drop: Callable[[C], C]

    def __post_init__(self) -> None:
        if not self.terms:
            raise UserError("there must be at least one condition to combine, got none")

    def __call__(self, denoise: Denoiser[C]) -> Denoiser[C]:
        return wrap(denoise, lambda x, level, cond: self._guided(denoise, x, level, cond))

    def _guided(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        conds = [self.drop(cond), *(make(cond) for _, make in self.terms)]
        null, *estimates = denoise(torch.cat([x] * len(conds)), level, join(conds)).chunk(len(conds))
        guided = null
        for (weight, _), estimate in zip(self.terms, estimates, strict=True):
            guided = guided + per_row(weight, x, level, cond) * (estimate - null)
        return guided
