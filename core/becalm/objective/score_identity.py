"""Score identity distillation: the student's samples are to have the data's scores, by Fisher's divergence (Zhou et al.
2024, Score identity Distillation).

    x0  = student(x_t, t),     x_s = alpha_s x0 + sigma_s eps,     d = teacher(x_s, s) - critic(x_s, s)
    loss = d . (teacher(x_s, s) - x0 - alpha d) / mean |x0 - teacher(x_s, s)|

With alpha 0 the loss is, for a perfect critic, an unbiased estimate of the squared difference of the two scores at x_s
(by Tweedie's formula); with 1 the squared difference itself is taken away, and what is left draws samples of any spread
the right way. The authors take 1 and 1.2; above 1 a student whose samples are spread too widely spreads them further
at low noise, by the closed form of two Gaussians. Unlike distribution matching it asks how both networks change with
x_s, so that the gradient knows more and costs a pass back through each.
"""

from typing import ClassVar, Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.level import NoiseLevel
from becalm.objective.distribution_matching import DistributionMatching
from becalm.objective.kind import Others

C = TypeVar("C")


class ScoreIdentity(DistributionMatching):
    """As distribution matching, with the gradients of teacher and critic."""

    kind: Literal["score_identity"] = "score_identity"  # type: ignore[assignment]
    through: ClassVar[bool] = True
    alpha: float = Field(1.0, ge=0, description="Weight of the squared difference that is taken away.")

    def pull(
        self, others: Others[C], made: Tensor, x: Tensor, told: Tensor, level: NoiseLevel, batch: Batch[C]
    ) -> Tensor:
        taught = self.taught_at(others, x, level, batch)
        apart = taught - told
        loss = apart * (taught - made - self.alpha * apart) / self.scale(made, taught, batch)
        (gradient,) = torch.autograd.grad(loss.sum(), made, retain_graph=True)
        return gradient
