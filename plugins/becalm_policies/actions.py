"""Chunks of actions to diffusion space and back, relative to where the observation says the robot is."""

from torch import Tensor, nn

from becalm_policies.networks.condition import Observed


class Actions(nn.Module):
    """Between chunks of actions (B, Tp, A) in the environment's units and diffusion space.

    Args:
        shift, scale: Of actions, taken relative to the condition's reference.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: Tensor, scale: Tensor) -> None:
        super().__init__()
        # Not in a checkpoint's tensors: its settings have them, to the last digit.
        self.register_buffer("shift", shift, persistent=False)
        self.register_buffer("scale", scale, persistent=False)

    def encode(self, data: Tensor, cond: Observed) -> Tensor:
        """(action - reference - shift) / scale."""
        return ((data - _per_step(cond).to(data) - self.shift) / self.scale).float()

    def decode(self, x0: Tensor, cond: Observed) -> Tensor:
        """Not clipped to the action's bounds."""
        return x0 * self.scale + self.shift + _per_step(cond)

    def log_det(self, data: Tensor, cond: Observed) -> Tensor:
        """The reference moves chunks and stretches none."""
        each = -self.scale.double().abs().log()
        return each.expand(data.shape).reshape(len(data), -1).sum(1)


def _per_step(cond: Observed) -> Tensor:
    """(B, 1 or Tp, A) the reference."""
    return cond.reference if cond.reference.dim() == 3 else cond.reference.unsqueeze(1)
