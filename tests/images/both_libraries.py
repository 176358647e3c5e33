"""Small image models of ours and of diffusers, for the tests that take them from one library to the other."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from becalm.files.checkpoint import Checkpoint
from becalm.objective import Objective
from becalm.schedule import Linear, Schedule
from becalm_images.domain import Images
from becalm_images.interchange.unet_config import config_of

diffusers = pytest.importorskip("diffusers")
TINY = {"widths": (16, 32), "blocks": 1, "groups": 4, "attention": (1,), "head_width": 8}


def stirred(network: nn.Module, spread: float = 0.03) -> nn.Module:
    """The network with small weights everywhere: fresh ones output zero, or are the same under every condition."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(spread * torch.randn(weight.shape, generator=generator))
    return network.eval()


def domain(**settings: Any) -> Images:
    return Images(height=8, width=12, classes=3, architecture={"kind": "unet2d", **TINY, **settings})


@lru_cache
def taught() -> nn.Module:
    """A network that predicts eps of grey gradients, darker in each class; an untaught one draws black and white."""
    torch.manual_seed(0)
    images = domain()
    network = images.network()
    optimizer = torch.optim.AdamW(network.parameters(), 5e-3)
    for _ in range(80):
        labels = torch.randint(0, 4, (32,))
        ramp = torch.rand(32, 1, 1, 1) * torch.linspace(-1, 1, 12).expand(32, 1, 8, 12)
        x0, eps = ramp * 0.5 + 0.4 - 0.2 * labels[:, None, None, None], torch.randn(32, 1, 8, 12)
        level = Linear()(torch.rand(32, dtype=torch.float64)).spread(x0)
        loss = (network(level.mix(x0, eps), level, labels) - eps).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def checkpoint(images: Images, schedule: Schedule, objective: Objective) -> Checkpoint:
    network = taught() if objective.prediction == "eps" else stirred(images.network())
    tensors = {f"network.{name}": tensor.detach() for name, tensor in network.state_dict().items()}
    tensors |= {f"codec.{name}": tensor for name, tensor in images.codec().state_dict().items()}
    parts = {"settings": images, "schedule": schedule, "objective": objective}
    return Checkpoint(tensors, {"domain": "images", **{name: part.model_dump() for name, part in parts.items()}})


def their_network(**changes: Any) -> Any:
    settings = config_of(domain(), domain().architecture, keep=False) | changes
    return stirred(diffusers.UNet2DModel(**settings))


def saved(folder: Path, network: Any, scheduler: Any) -> Path:
    diffusers.DDPMPipeline(network, scheduler).save_pretrained(folder)
    return folder
