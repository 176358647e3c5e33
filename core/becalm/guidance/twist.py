"""A guidance that also says how likely its target is, which is what particles are weighted by."""

from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

from torch import Tensor

from becalm.denoiser.protocol import Denoiser
from becalm.level import NoiseLevel

C = TypeVar("C")


class Twist(NamedTuple):
    """What one call of a denoiser says of x and a target y.

    Attributes:
        x0: The estimate, E[x0 | x].
        guided: The guided one, about E[x0 | x, y].
        log_likelihood: About log p(y | x) in nats, up to a constant, (B,); the better, the fewer particles are needed.
    """

    x0: Tensor
    guided: Tensor
    log_likelihood: Tensor


@runtime_checkable
class Twisted(Protocol):
    """A guidance that knows the likelihood of its target."""

    def twist(self, denoise: Denoiser[C], x: Tensor, level: NoiseLevel, cond: C) -> Twist:
        """The estimate, guided and not, and the target's log-likelihood, from one call of the denoiser."""
