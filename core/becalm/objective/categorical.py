"""Cross-entropy of categories, one-hot along the last axis, whose estimate x0 is their probabilities.

    loss = E_t,x  mean over entries of -sum_k x0_k log x0_hat_k(x)

(Austin et al. 2021, eq. 5, the auxiliary term by itself; of masked categories Sahoo et al. 2024, without its
weight, which makes the loss a bound of the likelihood and its gradients uneven.)
"""

from typing import Literal, TypeVar

from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.denoiser.protocol import Denoiser
from becalm.objective.kind import Draw, Objective, Others

C = TypeVar("C")
_LEAST = 5e-7


class Categorical(Objective):
    """Nats per entry; a category that has no probability costs at most 14.5. The network's output adds up to 1."""

    kind: Literal["categorical"] = "categorical"
    prediction: Literal["x0"] = Field("x0", description="What the network outputs: the probabilities.")

    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        x0 = student(draw.x, draw.level, batch.cond)
        nats = -(batch.x0 * x0.clamp(min=_LEAST).log()).sum(-1, keepdim=True)
        return self.penalised(batch.mean(nats), x0, others, batch, draw)
