"""Cross-entropy of bits: data of -1 and 1, whose estimate x0 says P(1 | x) = (1 + x0) / 2."""

from typing import Literal, TypeVar

from pydantic import Field
from torch import Tensor

from becalm.batch import Batch
from becalm.denoiser.protocol import Denoiser
from becalm.objective.kind import Draw, Objective, Others

C = TypeVar("C")
_LEAST = 5e-7


class CrossEntropy(Objective):
    """Nats per bit; an estimate of exactly -1 or 1 costs at most 14.5."""

    kind: Literal["cross_entropy"] = "cross_entropy"
    prediction: Literal["x0"] = Field("x0", description="What the network outputs: the estimate.")

    def losses(self, student: Denoiser[C], others: Others[C], batch: Batch[C], draw: Draw) -> Tensor:
        x0 = student(draw.x, draw.level, batch.cond)
        likely = ((1 + x0) / 2).clamp(_LEAST, 1 - _LEAST)
        bit = (1 + batch.x0) / 2
        nats = -(bit * likely.log() + (1 - bit) * (1 - likely).log())
        return self.penalised(batch.mean(nats), x0, others, batch, draw)
