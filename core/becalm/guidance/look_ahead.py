"""A guidance that looks ahead: what its target makes of plain samples at a cleaner level, where modes stand apart.

    p(y | x) = E[p(y | x') | x],   about  sum_m w_m p(y | x'_m),   w_m ~ p(x | x'_m)

x'_m are draws of the plain model at ``level``, and p(x | x'_m) is the noise between the two levels. One Gaussian about
an estimate cannot know of several modes; draws of all of them can, and lead to each as often as it deserves. (A twist
of pilot draws, as Guarniero et al. 2017 have it for filters; ours looks across all levels at once.)

At ``level`` and below the guidance is the one within, as it is where too few draws are near x to say anything.
Particles are right whatever the draws; these make few particles enough.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, wrap
from becalm.errors import UserError
from becalm.guidance.twist import Twist, Twisted
from becalm.level import NoiseLevel

C = TypeVar("C")
_LEAST = 8
"""Fewer draws near x than this, by their effective number, say too little of it."""


@dataclass(frozen=True, eq=False)
class LookAhead:
    """A guidance by what it will be at a cleaner level. ``LookAhead.of`` makes one.

    Attributes:
        guidance: The one within.
        level: Where it looks from the noisier ones.
        states: (M, ...) draws of the plain model, at ``level``.
        ahead: What the guidance says of them.
    """

    guidance: Twisted
    level: NoiseLevel
    states: Tensor
    ahead: Twist

    @classmethod
    def of(
        cls,
        guidance: Twisted,
        denoise: Denoiser[Any],
        draws: Tensor,
        level: NoiseLevel,
        cond: object = None,
        *,
        noise: Callable[[Tensor], Tensor] = torch.randn_like,
    ) -> "LookAhead":
        """Looks at draws, in one call of the denoiser and what the guidance needs.

        Args:
            denoise: The denoiser without the guidance.
            draws: (M, ...) clean samples of the model or of its data, under the condition that will be sampled with. A
                mode that has none of them is looked for by the guidance within.
            level: Noise about as wide as a mode: where p(x0 | x) has one.
            cond: The condition of the draws.

        Raises:
            UserError: If there are fewer than 8 draws, or a sample is of several rows.
        """
        _refuse_ragged(cond)
        if len(draws) < _LEAST:
            raise UserError(f"looking ahead needs at least {_LEAST} draws, got {len(draws)}")
        states = level.mix(draws, noise(draws))
        ahead = guidance.twist(denoise, states, level, cond)
        return cls(guidance, level, states, Twist(*(value.detach() for value in ahead)))

    def __call__(self, denoise: Denoiser[C]) -> Denoiser[C]:
        return wrap(denoise, lambda x, level, cond: self.twist(denoise, x, level, cond).guided)

    def twist(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Twist:
        """The guidance's own estimate and likelihood, or those of the draws near x where these are enough."""
        _refuse_ragged(cond)
        found = self.guidance.twist(denoise, x, level, cond)
        if float(level.t.max()) <= float(self.level.t):
            return found
        shares = self._near(x, level).softmax(1)
        ahead = self.ahead.log_likelihood.double()
        likely = (ahead - ahead.max()).exp()
        seen = (shares @ likely)[:, None]
        # The difference of two means over draws: what their chance has in common cancels.
        states, after = (rows.flatten(1).double() for rows in (self.ahead.x0, self.ahead.guided))
        moved = (shares @ (likely[:, None] * after)) / seen - shares @ states
        guided = found.x0 + moved.reshape(x.shape).to(found.x0)
        # The effective number of draws near x is one over the sum of squared shares.
        enough = (_LEAST * torch.linalg.vector_norm(shares, dim=1) ** 2 <= 1) & (seen[:, 0] > 0)
        return Twist(
            found.x0,
            torch.where(enough.reshape(-1, *(1 for _ in x.shape[1:])), guided, found.guided),
            torch.where(enough, (seen[:, 0].log() + ahead.max()).to(found.log_likelihood), found.log_likelihood),
        )

    def _near(self, x: Tensor, level: NoiseLevel) -> Tensor:
        """log p(x | x') of each state up to what all have in common, (N, M) float64: below, exponents run far."""
        now, ahead = level.on(x.device), self.level.on(x.device)
        keep = (now.alpha / ahead.alpha).double()
        variance = now.sigma.double() ** 2 - (keep * ahead.sigma) ** 2
        states = self.states.double()
        square = (keep**2 / variance * states**2).flatten(1).sum(1) / 2
        return torch.addmm(-square, (keep / variance * x.double()).flatten(1), states.flatten(1).T)


def _refuse_ragged(cond: object) -> None:
    if owner_of(cond) is not None:
        raise UserError("looking ahead needs samples of one row each: draws of another sample are not of its shape")
