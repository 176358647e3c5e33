"""Categories that are drawn anew: x and x0 are one-hot along the last axis, (..., K).

    q(x | x0) = alpha x0 + (1 - alpha) / K,     q(x_t | x_s) = a x_s + (1 - a) / K,   a = alpha_t / alpha_s

(Austin et al. 2021, eq. 3 and appendix A.2, the uniform process; Hoogeboom et al. 2021, section 4.) A denoiser returns
E[x0 | x], the probabilities of the categories. Only alpha counts; sigma tells networks the level.
"""

from typing import Literal

import torch
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.process.gaussian import quotient
from becalm.process.protocol import Noise, Process


class Categories(Process):
    """Each entry keeps its category with probability alpha, and else gets one at random."""

    kind: Literal["categories"] = "categories"

    def corrupt(self, x0: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return draw(_kept(x0, level.alpha.to(x0)), noise)

    def up(self, x: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        return draw(_kept(x, quotient(to.alpha, now.alpha).to(x)), noise)

    def bridge(self, x: Tensor, x0: Tensor, now: NoiseLevel, to: NoiseLevel, noise: Noise) -> Tensor:
        """The mean over the categories of an estimate x0; Austin et al. 2021, eq. 4, have q(x_to, x | x0) in place of
        q(x_to | x, x0), which is another estimate.
        """
        # Where x is not possible from a category the estimate gives it no weight.
        possible = _kept(x, now.alpha.to(x)).clamp(min=torch.finfo(x.dtype).tiny)
        share = x0 / possible
        before = to.alpha.to(x)
        from_x0 = before * share + (1 - before) / x.shape[-1] * share.sum(-1, keepdim=True)
        return draw(_kept(x, quotient(now.alpha, to.alpha).to(x)) * from_x0, noise)

    def prior(self, like: Tensor, level: NoiseLevel, noise: Noise) -> Tensor:
        return draw(torch.full_like(like, 1 / like.shape[-1]), noise)


def draw(chance: Tensor, noise: Noise, share: Tensor | None = None) -> Tensor:
    """One-hot draws from probabilities along the last axis, up to a factor.

    The first of K exponential waiting times at rates ``chance`` names the category; how long it takes is independent of
    which it is, so the same numbers say whether there is a draw at all.

    Args:
        share: Probability that there is one, else all are 0; ``chance`` adds up to 1 then, or is 0.
    """
    # -log of the normal distribution function, which keeps its digits at both ends, is exponential.
    wait = -torch.special.log_ndtr(noise(chance)).clamp(max=-torch.finfo(chance.dtype).tiny) / chance
    least, which = wait.min(-1, keepdim=True)
    drawn = torch.zeros_like(chance).scatter_(-1, which, 1.0)
    return drawn if share is None else drawn * (least < -torch.log1p(-share))


def _kept(x: Tensor, alpha: Tensor) -> Tensor:
    """The probabilities of a category that is kept with probability alpha."""
    return alpha * x + (1 - alpha) / x.shape[-1]
