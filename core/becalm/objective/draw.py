"""The random part of a training batch, and its losses."""

from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.denoiser.network import NetworkDenoiser
from becalm.guidance.protocol import Energy
from becalm.noise import Purpose, stream, uniform
from becalm.objective.kind import Draw, Objective, Others
from becalm.objective.times import Memory
from becalm.process.gaussian import GAUSSIAN
from becalm.process.protocol import Process
from becalm.schedule.kind import NoiseSchedule

C = TypeVar("C")
BINS = 32


def draw(
    objective: Objective,
    schedule: NoiseSchedule,
    batch: Batch[C],
    history: Tensor,
    *,
    seed: int,
    step: int | Tensor,
    offset: int = 0,
    process: Process = GAUSSIAN,
) -> Draw:
    """Times and noise of a batch, a function of (seed, step, place in the batch).

    The times of a batch are one uniform number plus i / B, modulo 1: each is uniform, together they cover [0, 1]
    evenly, and the gradient is less noisy (Kingma et al. 2021, appendix I.1).

    Args:
        offset: First place of this batch among those of all devices.
    """
    device, memory = batch.x0.device, Memory(schedule, history.to(batch.x0.device))
    first = uniform(seed, torch.zeros(1, dtype=torch.long, device=device), step, Purpose.TRAIN_TIME)
    unit = (first + torch.arange(batch.size, device=device, dtype=torch.float64) / batch.size) % 1.0
    # Nearer to clean than that an error of x0 is lost in float32, and its weight may not be finite.
    times = objective.times(unit.clamp(1e-6, 1 - 1e-9), memory, step)
    levels = tuple(schedule(batch.rows(t)).spread(batch.x0) for t in times)
    noise = stream(seed, batch.owner + offset, Purpose.TRAIN_NOISE, first_step=step)
    x = process.corrupt(batch.x0, levels[0], noise)
    more = stream(seed, batch.owner + offset, Purpose.TRAIN_AGAIN, first_step=step)
    return Draw(times[0], levels, x, objective.levels.weight(times[0], memory), process, more, step)


def losses(
    objective: Objective, network: nn.Module, batch: Batch[C], drawn: Draw, cond: C, penalty: Energy[C] | None = None
) -> tuple[Tensor, Tensor]:
    """The weighted and the bare loss of each sample, both (B,), of a network by itself.

    Args:
        penalty: Of the estimate x0, one number per sample; counts by ``objective.penalty``.
    """
    student = NetworkDenoiser[C](network, objective.prediction, learned=objective.learned)
    return weighted(objective, student, Others(penalty=penalty), replace(batch, cond=cond), drawn)


def weighted(
    objective: Objective, student: NetworkDenoiser[C], others: Others[C], batch: Batch[C], drawn: Draw
) -> tuple[Tensor, Tensor]:
    """The losses of a student, weighted and bare, both (B,)."""
    bare = objective.losses(student, others, batch, drawn)
    return bare * drawn.weight.to(bare.dtype), bare
