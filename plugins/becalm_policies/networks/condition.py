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
        cameras: By name (B, f, 3, H, W) uint8, the newest f pictures, oldest first; None where there is no camera. A
            picture that is all black tells nothing.
        hidden: (B, f, H) float32 what an encoder is to tell of the same steps, in training only.
        seen: (B, To, E) what the encoders see in the pictures, beside the features; None before they have looked.
        told: (B, f, H) what they tell of what is hidden, likewise.
    """

    features: Tensor
    reference: Tensor
    newest: Tensor | None = None
    cameras: dict[str, Tensor] | None = None
    hidden: Tensor | None = None
    seen: Tensor | None = None
    told: Tensor | None = None


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
