"""Between images and diffusion space."""

import torch
from torch import Tensor, nn


class Pixels(nn.Module):
    """Between uint8 images (N, C, H, W) and [-1, 1]."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shift", torch.tensor(127.5, dtype=torch.float32), persistent=False)
        self.register_buffer("scale", torch.tensor(127.5, dtype=torch.float32), persistent=False)

    def encode(self, data: Tensor, cond: object = None) -> Tensor:
        """[-1, 1] of pixels 0 to 255."""
        return (data.float() - self.shift) / self.scale

    def decode(self, x0: Tensor, cond: object = None) -> Tensor:
        """The nearest uint8 pixels."""
        return (x0.float() * self.scale + self.shift).round().clamp(0, 255).to(torch.uint8)

    def log_det(self, data: Tensor, cond: object = None) -> Tensor:
        """That of pixels as densities, before they are rounded."""
        return -self.scale.double().log() * data[0].numel() * torch.ones(len(data), device=data.device)
