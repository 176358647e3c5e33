"""Policies whose network is a function of ours, so that what they do is known."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from becalm.files.checkpoint import Checkpoint
from becalm.level import NoiseLevel
from becalm.model import Model
from becalm.objective import Objective
from becalm.schedule import Flow
from becalm_policies.demonstrations.statistics import Statistics
from becalm_policies.domain import Policies
from becalm_policies.networks.condition import Observed

Script = Callable[[Tensor, NoiseLevel, Observed], Tensor]


def plain(observation: int, action: int, horizon: int = 6, **fields: Any) -> Policies:
    """A domain whose diffusion space is the actions and whose features are the observations."""
    statistics = Statistics(
        feature_low=(-1.0,) * observation,
        feature_high=(1.0,) * observation,
        observation_low=(-1000.0,) * observation,
        observation_high=(1000.0,) * observation,
        action_shift=((0.0,) * action,) * horizon,
        action_scale=((1.0,) * action,) * horizon,
    )
    settings: dict[str, Any] = {"history": 2, "execute": 3, "architecture": "mlp-tiny", **fields}
    return Policies(
        observation_size=observation, action_size=action, horizon=horizon, statistics=statistics, **settings
    )


class Scripted(nn.Module):
    """Predicts x0 by a script of (x, level, cond), and counts its calls."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script
        self.calls = 0

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        self.calls += 1
        return self.script(x * level.total_std.to(x), level, cond)


def scripted(script: Script, domain: Policies) -> Model[Observed]:
    """A model whose estimate of x0 is ``script(x, level, cond)``."""
    objective = Objective(prediction="x0")
    return Model(domain, Flow(), objective, Scripted(script), domain.codec(), torch.device("cpu"), {})


def perceptron(domain: Policies, seed: int = 0) -> Model[Observed]:
    """A model with a network whose weights are not those of a fresh one, which would answer 0."""
    generator = torch.Generator().manual_seed(seed)
    network = domain.network()
    for weight in network.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.5 / max(weight[0].numel(), 1) ** 0.5)
    network = network.eval().requires_grad_(False)
    return Model(domain, Flow(), Objective(prediction="flow"), network, domain.codec(), torch.device("cpu"), {})


def written(model: Model[Observed], path: Path) -> str:
    """The model as a checkpoint file."""
    config = {
        "domain": "policies",
        "settings": json.loads(model.domain.model_dump_json()),
        "schedule": {"kind": "flow"},
        "objective": model.objective.model_dump(mode="json"),
    }
    tensors = {f"network.{name}": value for name, value in model.network.state_dict().items()}
    codec = model.codec
    if isinstance(codec, nn.Module):
        tensors |= {f"codec.{name}": value for name, value in codec.state_dict().items()}
    Checkpoint(tensors, config).write(path)
    return str(path)
