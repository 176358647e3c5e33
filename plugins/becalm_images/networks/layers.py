"""What the image networks share."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_ROWS = 16


def silence(layer: nn.Conv2d | nn.Linear) -> None:
    """Makes a layer output zeros at first."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention over tokens, (..., tokens, width) each."""
    # Written out: for a few dozen pixels torch's fused CPU kernel is 20 times slower in bf16 than two products.
    weight: Tensor = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(dim=-1)
    return weight @ value


class Modulation(nn.Linear):
    """A dense layer of a vector for each image, whose bits do not depend on how many there are, up to 16."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, width_in) to (B, width)."""
        if len(input) >= _ROWS or input.device.type != "cpu":
            return super().forward(input)
        # Products of few rows have kernels of their own, which sum in another order; this layer is a small part.
        return super().forward(F.pad(input, (0, 0, 0, _ROWS - len(input))))[: len(input)]


class Convolution(nn.Conv2d):
    """A convolution whose bits are those of several images where there is a single one."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, width_in, H, W) to (B, width, H', W')."""
        if len(input) != 1 or not _by_onednn(input):
            return super().forward(input)
        # Torch would take its own kernel for a single small image, and oneDNN's for two.
        return torch.mkldnn_convolution(
            input,
            self.weight,
            self.bias,
            self.padding,  # type: ignore[arg-type]  # Numbers: no layer here names its padding.
            self.stride,
            self.dilation,
            self.groups,
        )


def _by_onednn(x: Tensor) -> bool:
    plain = x.device.type == "cpu" and x.dtype is torch.float32 and torch.backends.mkldnn.is_available()
    return plain and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling()
