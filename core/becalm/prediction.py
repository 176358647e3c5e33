"""What a network predicts is a pair (p, q): its output F stands for p x0 + q eps.

With x = alpha x0 + sigma eps

    x0 = (q x - sigma F) / (q alpha - sigma p)

for every kind of prediction (Salimans and Ho 2022, appendix D, lists the cases that this line unites).
"""

from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from becalm.level import NoiseLevel

Prediction = Literal["x0", "eps", "v", "flow", "score"]


def pair(kind: Prediction, level: NoiseLevel) -> tuple[Tensor | float, Tensor | float]:
    """(p, q) of a prediction: the network outputs p x0 + q eps.

    v is (-sigma, alpha) / sqrt(alpha^2 + sigma^2): Salimans and Ho 2022 for variance-preserving schedules, where the
    root is 1, and the preconditioning of Karras et al. 2022 (up to sign) for variance-exploding ones. The score of x
    given x0 is -eps / sigma; the network outputs it times sigma, which keeps its size near 1 (Song and Ermon 2019,
    eq. 5).
    """
    if kind == "x0":
        return 1.0, 0.0
    if kind == "eps":
        return 0.0, 1.0
    if kind == "v":
        return -level.sigma / level.total_std, level.alpha / level.total_std
    if kind == "flow":
        return -1.0, 1.0
    if kind == "score":
        return 0.0, -1.0
    raise ValueError(f"prediction must be one of x0, eps, v, flow, score, got {kind!r}")


def target(kind: Prediction, level: NoiseLevel, x0: Tensor, eps: Tensor) -> Tensor:
    """What the network learns to output: p x0 + q eps, of x0's shape."""
    p, q = pair(kind, level)
    return p * x0 + q * eps


def gain(kind: Prediction, level: NoiseLevel) -> Tensor:
    """sigma / (q alpha - sigma p): the error of x0 per error of the output, in size; of the level's shape."""
    p, q = pair(kind, level)
    return level.sigma / (q * level.alpha - level.sigma * p)


def clean(kind: Prediction, level: NoiseLevel, x: Tensor, output: Tensor) -> Tensor:
    """The network's output as x0.

    At alpha = 0, x holds no signal and the output of an eps or score network says nothing about x0: the result is not
    finite there. ``becalm.objective`` and ``becalm.model`` refuse that combination before it happens.
    """
    return factors(kind, level, x).estimate(x, output)


class Factors(NamedTuple):
    """What turns x into a network's input, and x and its output into x0 = keep x + change F.

    Attributes:
        level: As the network is told it.
        shrink: Factor of x at the network's entrance, 1 / total_std; None for 1.
        keep, change: None where x0 is the output.
    """

    level: NoiseLevel
    shrink: Tensor | None
    keep: Tensor | None
    change: Tensor | None

    def estimate(self, x: Tensor, output: Tensor) -> Tensor:
        """The network's output as x0."""
        if self.keep is None or self.change is None:
            return output
        # Products and sum apart: a fused multiply-add may round the end of a tensor otherwise than its middle.
        return (x * self.keep).addcmul_(output, self.change)


def factors(kind: Prediction, level: NoiseLevel, x: Tensor) -> Factors:
    """The factors of a prediction at a level, on x's device; of a scalar level they are made once."""
    return (_factors if level.alpha.dim() else _kept)(kind, level, x.device, x.dtype)


def _factors(kind: Prediction, level: NoiseLevel, device: torch.device, dtype: torch.dtype) -> Factors:
    # As tensors without axes they cost half of what plain numbers do, which torch would wrap anew in each operation.
    wide = dtype if level.alpha.dim() else torch.promote_types(dtype, torch.float32)
    shrink = 1 / level.total_std
    told = level.to(torch.empty((), device=device, dtype=dtype))
    # Under a variance-preserving schedule the first factor is 1 but for rounding, and the product is saved. Read only
    # where that waits for no device.
    unit = not shrink.dim() and shrink.device.type == "cpu" and abs(float(shrink) - 1) < 1e-12
    entrance = None if unit else shrink.to(device, wide)
    if kind == "x0":
        return Factors(told, entrance, None, None)
    p, q = pair(kind, level)
    bottom = q * level.alpha - level.sigma * p
    return Factors(told, entrance, (q / bottom).to(device, wide), (-level.sigma / bottom).to(device, wide))


_kept = lru_cache(maxsize=2048)(_factors)
