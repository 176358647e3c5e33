"""A chunk is planned without a wait until its actions are copied to the host, once: shown on the device ``meta``."""

import numpy as np
import pytest
import torch

from becalm.files.checkpoint import Checkpoint
from becalm.model import build, find
from becalm_policies.control.policy import policy


@pytest.mark.parametrize("name", ["pusht", "lander"])
def test_nothing_is_read_but_the_planned_actions(name: str) -> None:
    planner = policy(build(Checkpoint.read(find(name)), torch.device("meta")), sampler="ddpm", steps=3).planner
    windows = np.zeros((2, planner.domain.history, planner.domain.observation_size))
    reads = []

    def cpu(tensor: torch.Tensor) -> torch.Tensor:
        reads.append(tuple(tensor.shape))
        return torch.zeros(tensor.shape)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "cpu", cpu)
        planned = planner(windows, np.arange(2), np.zeros(2, np.int64), None)
    # Any other read of a value fails on this device.
    assert reads == [(2, *planner.domain.shape())]
    assert planned.device.type == "cpu"
