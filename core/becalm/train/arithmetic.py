"""How the numbers of a training step are computed: in which precision, from which random state."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch


@contextlib.contextmanager
def seeded(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Makes dropout, and whatever else in a network uses torch's own random state, a function of the step."""
    cuda = device.type == "cuda"
    number = (seed * 1_000_003 + step) % 2**63
    with torch.random.fork_rng(devices=[device] if cuda else []):
        # Not torch.manual_seed, which reseeds every other GPU too, and for each kind of device that was not begun
        # writes down where it was called from: a third of the step of a small network.
        torch.default_generator.manual_seed(number)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(number)
        yield


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """The arithmetic of ``Training.precision``."""
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()
