"""A classifier whose gradient points where a model's class does: denoising likelihood score matching, Chao et al. 2022.

A classifier that is only right has a gradient of any kind: sampling follows it to images that it alone takes for the
class. So its gradient is trained, too, to be the move of the estimate that the class makes:

    E | -sigma^2/alpha grad E(x_t) - (E[x0 | x_t, y] - E[x0 | x_t]) |^2,   E(x_t) = -log p(y | x_t)

Chao et al. take the data's x0 for E[x0 | x_t, y], which has the same minimum; the model's own estimate varies less.
"""

import torch
from torch import Tensor

from becalm.denoiser import Denoiser
from becalm.level import NoiseLevel

_MOST = 2.0
"""Signal to noise beyond which the error counts in images, not in noise: there it would be all of the loss."""


def mismatch(energy: Tensor, x: Tensor, level: NoiseLevel, direction: Tensor) -> Tensor:
    """Squared error of the gradient's move, as a share of what the class moves; 1 for no gradient at all.

    Args:
        energy: (B,), computed from x.
        x: (B, C, H, W), which requires a gradient.
        level: Of each sample, spread over x.
        direction: What the class moves the estimate by, (B, C, H, W).
    """
    (slope,) = torch.autograd.grad(energy.sum(), x, create_graph=True)
    ratio = (level.alpha / level.sigma).to(x)
    # Both in units of the noise, x alpha / sigma; so sigma^2 / alpha, which has no bound, does not occur.
    move = -level.sigma.to(x) * (ratio.clamp(max=_MOST) / ratio).nan_to_num(1.0) * slope
    wanted = ratio.clamp(max=_MOST) * direction
    return (move - wanted).square().sum() / wanted.square().sum().clamp(min=torch.finfo(x.dtype).tiny)


@torch.no_grad()
def class_direction(denoise: Denoiser[Tensor], x: Tensor, level: NoiseLevel, labels: Tensor, null: Tensor) -> Tensor:
    """E[x0 | x_t, y] - E[x0 | x_t] by a model of images in [-1, 1], (B, C, H, W)."""
    with_class, without = (denoise(x, level, cond).clamp(-1, 1) for cond in (labels, null))
    return with_class - without
