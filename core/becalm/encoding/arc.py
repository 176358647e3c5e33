"""What lies between two encodings: the arc of a sphere.

    z_s = (sin((1 - s) w) a + sin(s w) b) / sin w,   w the angle of a and b

(Shoemake 1985; Song et al. 2021, section 5.3.) Encodings are about as long as noise is, and so is every point on the
arc between two of them; the middle of a straight line is shorter than any noise.
"""

import torch
from torch import Tensor

from becalm.batch import per_sample, sum_per_sample
from becalm.cond import owner_of


def between(first: Tensor, second: Tensor, share: float, cond: object = None) -> Tensor:
    """The point at ``share`` of the arc from one encoding to another, of each sample by itself.

    Args:
        first, second: (N, ...) rows.
        cond: Their condition, where samples are ragged.
    """
    owner = owner_of(cond)
    a, b = first.double(), second.double()
    inner, lengths = sum_per_sample(a * b, owner), [sum_per_sample(each**2, owner).sqrt() for each in (a, b)]
    angle = torch.acos((inner / (lengths[0] * lengths[1]).clamp(min=1e-300)).clamp(-1, 1))
    # Of two that point the same way there is no arc; of opposite ones none in particular: there the line.
    flat = torch.sin(angle) < 1e-6
    safe = torch.where(flat, torch.ones_like(angle), angle)
    rest, part = (
        per_sample(torch.where(flat, torch.full_like(angle, part), torch.sin(part * safe) / torch.sin(safe)), a, owner)
        for part in (1 - share, share)
    )
    return (rest * a + part * b).to(first)
