"""Takes back the spread that guidance adds (Lin et al. 2024)."""

from typing import TypeVar

from torch import Tensor

from becalm.batch import per_sample, std_per_sample
from becalm.cond import owner_of
from becalm.denoiser.protocol import Denoiser, wrap
from becalm.errors import UserError
from becalm.guidance.classifier_free import ClassifierFree
from becalm.guidance.protocol import Guidance
from becalm.level import NoiseLevel

C = TypeVar("C")


def rescale(phi: float, guidance: Guidance[C]) -> Guidance[C]:
    """Pulls the guided estimate's spread back to the plain one's (Lin et al. 2024, eq. 15-16, on the x0 estimate).

    x0' = phi x0 std(plain) / std(x0) + (1 - phi) x0, with one standard deviation per sample. Costs one more call of the
    denoiser, except around ``ClassifierFree``, which has the plain estimate in hand.

    Args:
        phi: 0 changes nothing, 1 restores the spread wholly; .7 in the paper.
    """
    if not 0.0 <= phi <= 1.0:
        raise UserError(f"phi must be between 0 and 1, got {phi}")

    def apply(denoise: Denoiser[C]) -> Denoiser[C]:
        guide = guidance(denoise)

        def guided(x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
            if isinstance(guidance, ClassifierFree):
                x0, plain = guidance.both(denoise, x, level, cond)
            else:
                x0, plain = guide(x, level, cond), denoise(x, level, cond)
            owner = owner_of(cond)
            wanted, had = (std_per_sample(value, owner) for value in (plain, x0))
            share = 1 + phi * (wanted / had.clamp(min=1e-12) - 1)
            return x0 * per_sample(share.nan_to_num(1.0), x0, owner).to(x0)

        return wrap(denoise, guided)

    return apply
