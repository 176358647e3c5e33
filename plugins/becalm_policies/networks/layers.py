"""What the policy networks share."""

from torch import nn

WAVES = 32
"""Frequencies at which a network is told the noise level."""


def silence(layer: nn.Conv1d | nn.Linear) -> None:
    """Makes a layer output zeros at first."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)
