"""How long and how fast a network is trained."""

import math
from typing import Literal

from pydantic import Field

from becalm.plugin.settings import Settings


class Training(Settings):
    """How long and how fast a network is trained."""

    steps: int = Field(20_000, ge=1, description="Optimiser steps.")
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw", description="muon orthogonalises the updates of matrices; it needs fewer steps at the same rate."
    )
    rate: float = Field(1e-3, gt=0, description="Highest learning rate.")
    warmup: int = Field(200, ge=0, description="Steps over which the rate rises from 0.")
    decay: Literal["cosine", "cooldown", "constant"] = Field(
        "cosine",
        description="What the rate does after: cosine falls to 0; cooldown stays, then falls to 0; constant stays.",
    )
    cooldown: float = Field(0.4, gt=0, le=1, description="Share of the steps over which cooldown falls, linearly.")
    beta2: float = Field(0.99, ge=0, lt=1, description="AdamW's memory of squared gradients.")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay.")
    clip: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    ema: float = Field(0.9995, ge=0, lt=1, description="Memory of the averaged weights; shorter at first.")
    accumulate: int = Field(1, ge=1, description="Batches whose gradients make one step.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Arithmetic of matrix products; auto: bf16 on GPUs, on CPUs the faster by a trial step."
    )
    compile: bool = Field(False, description="Compile the network first (torch.compile).")
    freeze: tuple[str, ...] = Field(
        (), description="Weights that stay as they are, by patterns of their names, such as embed.*; for fine-tuning."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Weights, data order, noise.")


def rate_at(training: Training, step: int) -> float:
    """Learning rate of step ``step`` (from 0): linear warm-up, then the decay."""
    if step < training.warmup:
        return training.rate * (step + 1) / training.warmup
    if training.decay == "constant":
        return training.rate
    if training.decay == "cooldown":
        # Until the fall begins nothing depends on ``steps``, so resuming may lengthen a training (Hagele et al. 2024).
        return training.rate * min(1.0, (training.steps - step) / (training.cooldown * training.steps))
    progress = (step - training.warmup) / max(training.steps - training.warmup, 1)
    return training.rate * 0.5 * (1 + math.cos(math.pi * progress))
