"""A batch of Gaussian data and its draw, for objectives that have closed forms there."""

from typing import Any

import torch
from known import seeded

from becalm.batch import Batch
from becalm.objective import Objective, draw
from becalm.objective.draw import BINS

STD = 0.5


def batch_and_draw(objective: Objective, schedule: Any, step: int = 0) -> tuple[Batch[None], Any]:
    batch: Batch[None] = Batch.dense(STD * seeded(64, 1).float(), None)
    history = torch.zeros(BINS, dtype=torch.float64)
    return batch, draw(objective, schedule, batch, history, seed=0, step=step)
