"""Muon: momentum whose matrices are orthogonalised, so that every direction of a weight learns at one pace.

Jordan et al. 2024 (Newton-Schulz orthogonalisation, Nesterov momentum) with the scale of Liu et al. 2025, eq. 4, which
gives the update the size of an AdamW step, so that both share one learning rate. A convolution's kernel counts as the
matrix (out, in * height * width).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

SMALLEST = 32


class Muon(torch.optim.Optimizer):
    """Muon for matrices.

    Args:
        momentum: Memory of the gradient.
        dtype: Arithmetic of the orthogonalisation; bfloat16 suffices.
    """

    def __init__(
        self,
        weights: list[nn.Parameter],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Updates the weights from their gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                memory = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(memory, group["momentum"]).flatten(1)
                update = orthogonal(ahead.to(self.dtype)).to(weight.dtype)
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(update.reshape(weight.shape), alpha=group["lr"] * 0.2 * max(update.shape) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrix, by five Newton-Schulz steps: singular values come near 1 (.7 to 1.2)."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x: Tensor = wide / (wide.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x if wide is matrix else x.T


def is_matrix(weight: nn.Parameter) -> bool:
    """Whether a weight is a matrix worth orthogonalising: not a bias, a gain, or a thin first or last layer."""
    return weight.dim() >= 2 and min(weight.shape[0], weight[0].numel()) >= SMALLEST
