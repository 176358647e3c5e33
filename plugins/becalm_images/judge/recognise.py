"""Which class images are of, told by a conditional model alone: under the right class it denoises them best.

See ``becalm.classify``. Levels and weights are what MNIST's training images want: draws at t = .9 and .75 leave few
classes, hard pairs need less noise, and the weight alpha / sigma evens the spread of differences.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from becalm.classify import Classified, Contest, classify
from becalm.denoiser import Denoiser
from becalm.errors import UserError
from becalm.process import GAUSSIAN, Process
from becalm.schedule import NoiseSchedule, levels_at

_FIRST, _THEN = (0.9, 0.75), (0.7, 0.8, 0.6, 0.75, 0.65, 0.5)
_TOGETHER, _ON_A_GPU = 64, 2048
"""Images and classes in a call of the network, on a CPU and elsewhere."""


def contest(schedule: NoiseSchedule, rounds: int = 4, least: int = 4, margin: float = 3.0) -> Contest:
    """Four draws of every class, then ``rounds`` of twelve of those that are left; of opposite noise in pairs.

    Args:
        least, margin: As ``Contest`` has them.
    """
    if rounds < 1:
        raise UserError(f"rounds must be at least 1, got {rounds}")
    levels = [level for time in _FIRST + _THEN * rounds for level in (levels_at(schedule, [time])[0],) * 2]
    return Contest(levels, [float(level.alpha / level.sigma) for level in levels], least=least, margin=margin)


def recognise(
    rules: Contest,
    denoise: Denoiser[Tensor],
    x0: Tensor,
    classes: int,
    *,
    block: int,
    seed: int = 0,
    first: int = 0,
    process: Process = GAUSSIAN,
) -> Iterator[Classified]:
    """Images in [-1, 1], (N, C, H, W), a block at a time; image i has the noise of number ``first + i``.

    Args:
        block: Images of a block, which changes nothing but when results come.
    """
    names = torch.arange(classes, device=x0.device)
    batch = _TOGETHER if x0.device.type == "cpu" else _ON_A_GPU
    for start in range(0, len(x0), block):
        some, number = x0[start : start + block], first + start
        yield classify(rules, denoise, some, names, seed=seed, first=number, batch=batch, process=process)
