"""The candidate with the smallest denoising error, found by as few calls as the evidence needs.

    c = argmin_c  mean_k w_k |x0 - E[x0 | x_k, c]|^2,     x_k = x0 noised to level k

(Li et al. 2023, section 3; Clark and Jaini 2023, section 2.) Every candidate sees the same noise at the same levels, so
what is compared are paired differences, whose spread is a fraction of the errors'. A candidate is out once it is a
number of standard errors behind the best. Li et al. prune by rank at fixed counts, Clark and Jaini by a paired t-test;
here that is made after every draw.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from becalm.cond import owner_of, size, take
from becalm.denoiser.protocol import Denoiser
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.noise import Purpose, stream
from becalm.path import Path
from becalm.process.gaussian import GAUSSIAN
from becalm.process.protocol import Process

C = TypeVar("C")


@dataclass(frozen=True, eq=False)
class Contest:
    """How candidates are compared.

    Attributes:
        levels: One scalar level per draw, in the order in which they are tried; the same may come again. Draw 2k + 1
            has the noise of draw 2k with its sign turned, so each twice in a row is best.
        weights: Weight of the squared error of x0 at each; default: alpha^2 / sigma^2, the error of the noise as in Li
            et al. 2023, and 1 where the process is not Gaussian.
        least: Draws before the first candidate may be out, at least 2.
        margin: Standard errors behind the best at which a candidate is out; ``inf`` keeps all to the end.
    """

    levels: Sequence[NoiseLevel]
    weights: Sequence[float] | None = None
    least: int = 4
    margin: float = 4.0

    def __post_init__(self) -> None:
        if not self.levels:
            raise UserError("a contest needs at least one level, got none")
        if any(level.sigma.dim() or float(level.sigma) <= 0 for level in self.levels):
            raise UserError("a contest needs scalar levels that hold noise")
        if self.weights is not None and len(self.weights) != len(self.levels):
            raise UserError(f"there must be a weight for each of {len(self.levels)} levels, got {len(self.weights)}")
        if self.least < 2:
            raise UserError(f"least must be at least 2, got {self.least}")
        if not self.margin > 0:
            raise UserError(f"margin must be above 0, got {self.margin:g}")

    def weight(self, number: int, process: Process) -> float:
        """The weight of a draw."""
        if self.weights is not None:
            return float(self.weights[number])
        level = self.levels[number]
        return float((level.alpha / level.sigma) ** 2) if process.gaussian else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """What a contest found.

    Attributes:
        chosen: (B,) int64, the number of the candidate with the smallest error.
        error: (B, K) float64, the mean weighted squared error per entry over the draws that a candidate was given.
        left: (B, K) whether a candidate was still in at the end; where more than one was, the draws were used up.
        calls: (B,) int64, times that the denoiser was called for a sample, one candidate and draw each.
    """

    chosen: Tensor
    error: Tensor
    left: Tensor
    calls: Tensor


@torch.no_grad()
def classify(
    contest: Contest,
    denoise: Denoiser[C],
    x0: Tensor,
    candidates: C,
    *,
    seed: int = 0,
    first: int = 0,
    batch: int = 256,
    process: Process = GAUSSIAN,
) -> Classified:
    """Which of several conditions each sample is of.

    Args:
        denoise: A conditional denoiser; without guidance above 1, which makes its errors others.
        x0: (B, ...) clean samples in diffusion space, one row each.
        candidates: K conditions, as one batch of them.
        seed, first: Of the noise: sample i has that of number ``first + i``, whatever the batch.
        batch: Samples and candidates denoised at a time; changes nothing but memory and speed, if the denoiser has the
            same bits in any batch (``Model.denoiser()`` has).

    Raises:
        UserError: If there are no two candidates, samples are of several rows, or an error is not finite.
    """
    count = size(candidates) or 0
    if owner_of(candidates) is not None:
        raise UserError("classify compares samples of one row each, not ragged ones")
    if count < 2:
        raise UserError(f"there must be at least 2 candidates, got {count}")
    seen = torch.full((len(x0), count, len(contest.levels)), torch.nan, dtype=torch.float64, device=x0.device)
    left = torch.ones(seen.shape[:2], dtype=torch.bool, device=x0.device)
    for number, level in enumerate(Path.of(contest.levels).on(x0)):
        samples = (left.sum(1) > 1).nonzero()[:, 0]
        if not len(samples):
            break
        x = process.corrupt(x0[samples], level, _noise(seed, samples + first, number))
        pairs = left[samples].nonzero()
        weight = contest.weight(number, process)
        for rows, which in (part.unbind(1) for part in pairs.split(batch)):
            estimate = denoise(x[rows], level, take(candidates, which))
            wrong = (estimate - x0[samples[rows]]).double().square().flatten(1).mean(1)
            seen[samples[rows], which, number] = weight * wrong
        if number + 1 >= contest.least:
            left[samples] = _still_in(seen[samples, :, : number + 1], left[samples], contest.margin)
    return _classified(seen, left)


def _noise(seed: int, samples: Tensor, number: int) -> Callable[[Tensor], Tensor]:
    """The noise of a draw: of every second one that of the one before, with its sign turned."""
    noise = stream(seed, samples, Purpose.CLASSIFY, first_step=number // 2)
    return noise if number % 2 == 0 else lambda like: -noise(like)


def _still_in(seen: Tensor, left: Tensor, margin: float) -> Tensor:
    """Who is not yet too far behind the best, (B, K).

    Args:
        seen: (B, K, n) errors; NaN of those that are out.
        left: (B, K) who was still in.
    """
    best = seen.mean(2).masked_fill(~left, torch.inf).argmin(1)
    behind = seen - seen[torch.arange(len(seen), device=seen.device), best][:, None]
    spread = behind.std(2) / seen.shape[2] ** 0.5
    far: Tensor = behind.mean(2) > margin * spread
    return left & ~far


def _classified(seen: Tensor, left: Tensor) -> Classified:
    calls = (~seen.isnan()).sum((1, 2))
    error = seen.nanmean(2)
    if not bool(error.isfinite().all()):
        raise UserError("the errors are not finite: the denoiser gives NaN or infinity")
    return Classified(error.masked_fill(~left, torch.inf).argmin(1), error, left, calls)
