"""How likely solutions are under a network, without guidance: what it has learnt to call a good one.

    log P(x) >= -(L_T + sum_t L_t + L_0)

the variational bound of ``becalm.likelihood``, whose last step is over the two values that an entry has (Ho et al.
2020, eq. 13). Over all points of a program its exponentials add up to at most 1.
"""

import numpy as np
import torch

from becalm.errors import UserError
from becalm.likelihood import bound
from becalm.model import Model
from becalm.noise import Purpose, stream
from becalm.schedule import levels
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.program import Array
from becalm_programs.problem.standard_form import StandardForm


def log_probability(
    model: Model[ProblemBatch], form: StandardForm, x: Array, *, steps: int = 50, draws: int = 4, seed: int = 0
) -> Array:
    """Lower bounds of log P(x), (K,) in nats; solutions of one program are compared by them.

    Args:
        x: (K, n) solutions, whole.
        steps: Of the reverse chain, a call of the network with K solutions each: more make the bound tighter.
        draws: Of the noise that each term is the mean over, the same for each solution.
        seed: Of these.

    Raises:
        UserError: If the program has continuous variables, which have a density and no probability.
    """
    if not form.encoding.whole.all():
        raise UserError("a probability needs programs whose variables are all integers: this one has continuous ones")
    entries = form.encoding.encode(form.program, x)
    x0 = torch.from_numpy((2 * entries - 1).astype(np.float32)).flatten().to(model.device)
    cond = ProblemBatch((form,), (0,) * len(entries))
    # One noise for all: what differs between solutions is then the network's answer alone.
    one = stream(seed, torch.zeros(form.encoding.size, dtype=torch.long, device=model.device), Purpose.PROBE)

    def noise(like: torch.Tensor) -> torch.Tensor:
        return one(like[: form.encoding.size]).repeat(len(entries))

    denoise, path = model.denoiser(), levels(model.schedule, steps)
    found = [bound(denoise, x0, path, cond, values=2, noise=noise).total for _ in range(draws)]
    return np.asarray(-torch.stack(found).mean(0).cpu().numpy())
