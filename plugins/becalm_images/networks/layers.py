"""What the image networks share."""

from torch import Tensor, nn


def silence(layer: nn.Conv2d | nn.Linear) -> None:
    """Makes a layer output zeros at first."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention over tokens, (..., tokens, width) each."""
    # Written out: for a few dozen pixels torch's fused CPU kernel is 20 times slower in bf16 than two products.
    weight: Tensor = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(dim=-1)
    return weight @ value
