"""What a policy network is told: the last observations as features, and what relative actions are relative to."""

from dataclasses import dataclass

from torch import Tensor, nn

from becalm.level import NoiseLevel


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """The condition of chunks of actions.

    Attributes:
        features: (B, To, F) float32, normalised, oldest first.
        reference: (B, A), or (B, Tp, A) where it moves along the chunk, float32, that actions are learnt as differences
            from, in the environment's units; zeros if absolute.
        newest: (B, D) float32, the newest observation as it came, for pictures; None where none is kept.
    """

    features: Tensor
    reference: Tensor
    newest: Tensor | None = None


class Blind(nn.Module):
    """A network that does not see x where x is pure noise: at the last time of a flow, it knows the condition alone.

    So the regression baselines are the same network in the same trainer (``Fixed`` times, prediction x0).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        seen = (level.alpha > 0).to(device=x.device, dtype=x.dtype)
        output: Tensor = self.network(x * seen, level, cond)
        return output
