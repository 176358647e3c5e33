"""How long and how fast a network is trained."""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from becalm.plugin.settings import Settings
from becalm.train.budget import Used, used

_WARMUP = 0.05
"""Share of the time by which the rate has risen, however few the steps."""


class Training(Settings):
    """How long and how fast a network is trained."""

    instead: ClassVar[Mapping[str, str]] = {"minutes": "steps"}

    steps: int | None = Field(20_000, ge=1, description="Optimiser steps; no limit where only minutes are given.")
    minutes: float | None = Field(
        None, gt=0, description="Wall-clock to train for; the rate falls with it. With steps too, what ends first."
    )
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw", description="muon orthogonalises the updates of matrices; it needs fewer steps at the same rate."
    )
    rate: float = Field(1e-3, gt=0, description="Highest learning rate.")
    warmup: int = Field(200, ge=0, description="Steps over which the rate rises from 0; of minutes, no more than 5 %.")
    decay: Literal["cosine", "cooldown", "constant"] = Field(
        "cosine",
        description="What the rate does after: cosine falls to 0; cooldown stays, then falls to 0; constant stays.",
    )
    cooldown: float = Field(
        0.4, gt=0, le=1, description="Share of steps or minutes over which cooldown falls, linearly."
    )
    beta1: float = Field(0.9, ge=0, lt=1, description="AdamW's memory of gradients.")
    beta2: float = Field(0.99, ge=0, lt=1, description="... and of squared ones.")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay.")
    clip: float = Field(1.0, gt=0, description="Largest norm of the gradient.")
    ema: float = Field(0.9995, ge=0, lt=1, description="Memory of the averaged weights; shorter at first.")
    accumulate: int = Field(1, ge=1, description="Batches whose gradients make one step.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Arithmetic of matrix products; auto: bf16 on GPUs, on CPUs the faster by a trial step."
    )
    compile: bool = Field(False, description="Compile the network first (torch.compile).")
    graph: bool = Field(
        True, description="On a GPU, record a step as one CUDA graph and replay it, where the network allows it."
    )
    freeze: tuple[str, ...] = Field(
        (), description="Weights that stay as they are, by patterns of their names, such as embed.*; for fine-tuning."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Weights, data order, noise.")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        self.used(0, 0.0)
        return self

    def used(self, step: int, seconds: float) -> Used:
        """How much of the steps, or of the time, is used after so many of them."""
        return used(self.steps, self.minutes, step, seconds)


def rate_at(training: Training, step: int, seconds: float = 0.0) -> float:
    """Learning rate of step ``step`` (from 0): linear warm-up, then the decay. It ends with the steps or the time.

    Args:
        seconds: Trained before this step.
    """
    rates = [] if training.steps is None else [_by_steps(training, step, training.steps)]
    if training.minutes is not None:
        rates.append(_by_time(training, step, used(None, training.minutes, step, seconds).share))
    return min(rates)


def _by_steps(training: Training, step: int, steps: int) -> float:
    if step < training.warmup:
        return training.rate * (step + 1) / training.warmup
    if training.decay == "constant":
        return training.rate
    if training.decay == "cooldown":
        # Until the fall begins nothing depends on ``steps``, so resuming may lengthen a training (Hagele et al. 2024).
        return training.rate * min(1.0, (steps - step) / (training.cooldown * steps))
    progress = (step - training.warmup) / max(steps - training.warmup, 1)
    return training.rate * 0.5 * (1 + math.cos(math.pi * progress))


def _by_time(training: Training, step: int, share: float) -> float:
    """The same over a share of the time. How many steps that holds is unknown, so the warm-up is a share at most."""
    risen = max((step + 1) / training.warmup, share / _WARMUP) if training.warmup else 1.0
    if risen < 1:
        return training.rate * risen
    if training.decay == "constant":
        return training.rate
    if training.decay == "cooldown":
        return training.rate * min(1.0, (1 - share) / training.cooldown)
    return training.rate * 0.5 * (1 + math.cos(math.pi * share))
