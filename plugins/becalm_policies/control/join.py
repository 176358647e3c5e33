"""How a chunk goes on from the one before it, which is executed until the new one takes over.

    entry    0 ... d - 1    d ... e - 1                   e ...
    weight   1              c (exp(c) - 1) / (exp(1) - 1)  0        c = (e - j) / (e - d + 1)

The first d entries will have been executed by then, so they are known; up to e the two chunks overlap. ``hold`` puts
the known entries into every estimate, ``prefix`` tells them to a network that was trained to be told, ``guide`` draws
the estimate by these weights: real-time chunking (Black et al. 2025, eq. 5 and algorithm 1), with the gain that
``Descend`` through the denoiser has.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from becalm.batch import tile
from becalm.denoiser.protocol import Denoiser, wrap
from becalm.guidance import Descend, Guidance, hold
from becalm.level import NoiseLevel
from becalm_policies.energies import near_previous, steady
from becalm_policies.networks.condition import Observed
from becalm_policies.prefix import with_clean

Join = Literal["naive", "hold", "guide", "prefix"]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What is executed from the step before the newest observation until a new chunk begins.

    Attributes:
        actions: (B, 1 + d, A) as the environment takes them. begun: (B,) who executes a chunk; others wait for theirs.
    """

    actions: Tensor
    begun: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Previous:
    """What was and will be executed, as it was planned, at the times of a new chunk's entries.

    Attributes:
        actions: (B, Tp, A) in the environment's units, as planned: not clipped; on the CPU.
        known: (B, Tp) whether the entry was planned; the others hold the last one.
        course: What a forecast is made from, where there is one.
    """

    actions: Tensor
    known: Tensor
    course: Course | None = None

    def repeat(self, times: int) -> "Previous":
        """Each chunk so many times, side by side, for what was foretold already."""
        return Previous(self.actions.repeat_interleave(times, 0), self.known.repeat_interleave(times, 0))


def joined(
    kind: Join,
    previous: Previous,
    values: Tensor,
    decode: Callable[[Tensor, Observed], Tensor],
    *,
    first: int,
    delay: int,
) -> Guidance[Observed]:
    """The guidance that joins chunks to what is executed until they take over.

    Args:
        values: ``previous.actions`` in diffusion space, (B, Tp, A). decode: Chunks in diffusion space to actions.
        first: The entry that belongs to the newest observation. delay: d.
    """
    if kind == "guide":
        bound = weights(previous, first, delay)
        return Descend(near_previous(decode, previous.actions, bound), steady(1.0), "through")
    mask = executed(previous, first, delay)[..., None].expand_as(values).to(values.device)
    return hold(values, mask, iterations=0) if kind == "hold" else prefix(values, mask)


def executed(previous: Previous, first: int, delay: int) -> Tensor:
    """(B, Tp) which entries of a chunk will have been executed by the time it takes over."""
    return previous.known & (torch.arange(previous.known.shape[1], device=previous.known.device) < first + delay)


def weights(previous: Previous, first: int, delay: int) -> Tensor:
    """(B, Tp) how much each entry is bound to the chunk before, in [0, 1]."""
    known = previous.known
    entry = torch.arange(known.shape[1], device=known.device) - first
    end = known[:, first:].sum(1, keepdim=True)
    share = ((end - entry) / (end - delay + 1).clamp(min=1)).clamp(0, 1)
    return torch.where(entry < delay, 1.0, share * (share.exp() - 1) / (math.e - 1)) * known


def fading(previous: Previous, first: int, delay: int, steps: int) -> Tensor:
    """(B, Tp) weights that are 1 for what is executed before a chunk takes over and 0 from ``steps`` later on.

    Between, half a wave of a cosine, which begins and ends level.
    """
    entry = torch.arange(previous.known.shape[1], device=previous.known.device) - first - delay + 1
    share = (entry / (steps + 1)).clamp(0, 1)
    return (0.5 + 0.5 * (math.pi * share).cos()) * previous.known


def prefix(values: Tensor, mask: Tensor) -> Guidance[Observed]:
    """Tells the network entries that are known: they come to it clean, at a level of their own.

    Args:
        values: (B, Tp, A) in diffusion space. mask: (B, Tp, A) where they are known.
    """

    def apply(denoise: Denoiser[Observed]) -> Denoiser[Observed]:
        def told(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
            known, held = tile(values, x, None), tile(mask, x, None)
            x0 = denoise(torch.where(held, known, x), with_clean(level, held), cond)
            return torch.where(held, known, x0)

        return wrap(denoise, told)

    return apply
