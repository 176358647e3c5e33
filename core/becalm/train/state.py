"""What a training is: configuration, tensors, a step number."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from becalm.codec import Codec
from becalm.domain import Domain
from becalm.objective import Objective
from becalm.process import GAUSSIAN, Process
from becalm.schedule import Schedule
from becalm.train.settings import Training

C = TypeVar("C")


@dataclass(frozen=True, slots=True, eq=False)
class TrainStep:
    """One optimiser step.

    Attributes:
        step: Steps done, this one included.
        loss: Mean weighted loss, 0-dim; read it when you need it, since reading waits for the device.
        norm: Norm of the gradient before clipping, 0-dim.
        rate: Learning rate used.
        seconds: Trained when it was done, earlier sessions included.
    """

    step: int
    loss: Tensor
    norm: Tensor
    rate: float
    seconds: float


@dataclass(eq=False)
class TrainState(Generic[C]):
    """All that a training is: configuration, tensors, a step number. ``train`` advances it in place.

    Attributes:
        teacher: The network that the objective learns from, with the weights that the training began with; None if it
            asks for none.
        critic: The network that the objective trains beside, see ``Objective.criticised``; it is in no checkpoint.
        sampling: How its checkpoint is sampled where a request says nothing: fields of one.
        data: What the domain says of the data that the training began with, see ``Domain.fingerprint``.
        bits: What its bits depended on when it was last saved, see ``checks.conditions``; nothing if it never was.
        half: Whether its checkpoint holds the network's floats as float16.
        unchecked: The steps of which it is not yet known whether they are finite.
        seconds: Spent on it so far, from the call of ``train`` on, what its consumer does between two steps included.
    """

    domain: Domain[C]
    schedule: Schedule
    objective: Objective
    training: Training
    network: nn.Module
    codec: Codec[C]
    average: dict[str, Tensor]
    optimizers: list[torch.optim.Optimizer]
    history: Tensor
    device: torch.device
    process: Process = GAUSSIAN
    teacher: nn.Module | None = None
    critic: nn.Module | None = None
    step: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    bits: Mapping[str, Any] = field(default_factory=dict)
    half: bool = False
    unchecked: list[TrainStep] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether its steps are done or its time is spent. Where not, at least one more step follows."""
        return self.training.used(self.step, self.seconds).over

    def averaged(self) -> dict[str, Tensor]:
        """The network's state with the averaged (EMA) weights."""
        return {**self.network.state_dict(), **self.average}

    def weights(self) -> dict[str, nn.Parameter]:
        """The network's weights that are trained, by name."""
        return _trained(self.network)

    def critics(self) -> dict[str, nn.Parameter]:
        """The critic's weights that are trained, by name."""
        return {} if self.critic is None else _trained(self.critic)

    def optimised(self) -> list[nn.Parameter]:
        """All weights that are trained."""
        return [*self.weights().values(), *self.critics().values()]

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for network in (self.network, self.critic):
            if network is not None:
                network.zero_grad(set_to_none=True)


def _trained(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
