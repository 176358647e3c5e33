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
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            memory, gradients = self._momenta(weights), [weight.grad for weight in weights]
            torch._foreach_lerp_(memory, gradients, 1 - group["momentum"])
            ahead = torch._foreach_lerp(gradients, memory, group["momentum"])
            updates = _orthogonal_each([each.flatten(1).to(self.dtype) for each in ahead])
            moves = [
                update.to(weight.dtype).reshape(weight.shape) for weight, update in zip(weights, updates, strict=True)
            ]
            # The rate may be a tensor, whose value a recorded step reads anew each time.
            torch._foreach_mul_(moves, [0.2 * max(update.shape) ** 0.5 for update in updates])
            torch._foreach_mul_(moves, group["lr"])
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_sub_(weights, moves)

    def _momenta(self, weights: list[nn.Parameter]) -> list[Tensor]:
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        return [self.state[weight]["momentum"] for weight in weights]


def _orthogonal_each(matrices: list[Tensor]) -> list[Tensor]:
    """``orthogonal`` of each matrix, those of one size at once: a GPU is soon done with one, and waits for the next."""
    sizes: dict[tuple[int, ...], list[int]] = {}
    for place, matrix in enumerate(matrices):
        sizes.setdefault(tuple(sorted(matrix.shape)), []).append(place)
    made = list(matrices)
    for places in sizes.values():
        wide = orthogonal(torch.stack([_wide(matrices[place]) for place in places]))
        for place, each in zip(places, wide.unbind(), strict=True):
            made[place] = each if _wide(matrices[place]) is matrices[place] else each.mT
    return made


def _wide(matrix: Tensor) -> Tensor:
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrices, by five Newton-Schulz steps: singular values come near 1 (.7 to 1.2).

    Args:
        matrices: (N, rows, columns), no more rows than columns.
    """
    x: Tensor = matrices / (torch.linalg.matrix_norm(matrices, keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        factor = torch.baddbmm(square, square, square, beta=-4.7750, alpha=2.0315)
        x = torch.baddbmm(x, factor, x, beta=3.4445)
    return x


def is_matrix(weight: nn.Parameter) -> bool:
    """Whether a weight is a matrix worth orthogonalising: not a bias, a gain, or a thin first or last layer."""
    return weight.dim() >= 2 and min(weight.shape[0], weight[0].numel()) >= SMALLEST
