"""How likely a policy holds a chunk after what it saw: log p(chunk | observations) by the probability-flow ODE.

Nats per entry of the chunk, in the scale that chunks are learnt in, smoothed by a little noise. What a policy has
learnt to do is likely. A chunk that was never done after such observations, or observations unlike all of its training,
cost nats in every entry, so the quantiles of held-out windows tell them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from becalm.cond import to
from becalm.errors import UserError
from becalm.likelihood import finest, grid, nats
from becalm.model import Model
from becalm.noise import Purpose, stream
from becalm_policies.networks.condition import Observed
from becalm_policies.offline.ridge import Array

_LEAST, _STEPS, _PROBES = 0.01, 10, 4
"""The noise at the data's end, in their scale; steps of Heun; random signs."""


def chunk_nats(model: Model[Any], chunks: Tensor, cond: Observed, *, seed: int = 0) -> Tensor:
    """Log-likelihoods of chunks (B, Tp, A), as they are learnt, under conditions of so many; (B,) nats per entry.

    Ten steps of Heun and four random signs: the mean of many is within a few hundredths, one alone within some tenths.

    Raises:
        UserError: If the model's objective learns jumps, which have no likelihood, or its levels are no scalars.
    """
    if not model.objective.posterior:
        raise UserError(f"objective {model.objective.name} learns jumps to clean, which have no likelihood")
    denoise, x0 = model.denoiser(), model.encode(chunks, cond)
    path = grid(model.schedule, _STEPS, finest(model.schedule, _LEAST))
    noise = stream(seed, torch.arange(len(x0), device=x0.device), Purpose.PROBE)
    with torch.no_grad():
        told = denoise.embed(to(cond, model.device))
    return nats(denoise, x0, path, told, _PROBES, noise=noise).cpu() / x0[0].numel()


@dataclass(frozen=True, eq=False)
class Familiar:
    """What is usual: log-likelihoods of windows that the policy was not trained on.

    Attributes:
        known: (N,) of ``chunk_nats``.
    """

    known: Array

    def __post_init__(self) -> None:
        if not len(self.known) or not np.isfinite(self.known).all():
            raise UserError("what is usual must be at least one finite number")

    def __call__(self, nats: Array) -> Array:
        """(B,) in (0, 1]: how usual log-likelihoods (B,) are, the share of known ones that are no higher.

        Of windows like the known ones a share of p or less has p or less (a conformal p-value, Vovk et al. 2005), so
        whoever asks below .05 is wrong about one usual window in twenty.
        """
        below = np.searchsorted(np.sort(self.known), nats, side="right")
        ranks: Array = (below + 1) / (len(self.known) + 1)
        return ranks
