"""No step of a sampler waits for the device: nothing in a loop reads a tensor's value, or copies from the host.

Shown on the device ``meta``, which has shapes and no values: a read of one fails, and copies from the host are seen.
"""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from toy import model

from becalm.guidance import Descend, Guidance, clamp, compose, dynamic_threshold, hold
from becalm.level import NoiseLevel
from becalm.objective import Denoising, Fixed, Importance, LogNormal, Times, Uniform
from becalm.sampler import DDIM, DDPM, DPMpp2M, DPMpp3M, DPMppSDE, Euler, Extra, Heun, Sampler, UniPC
from becalm.schedule import Cosine, Linear, Schedule, levels
from becalm.train import Training, begin, train
from becalm.train.muon import Muon
from becalm.train.step import Part, advance

SAMPLERS: list[Sampler] = [
    DDPM(),
    DDPM("large"),
    DDIM(),
    DDIM(0.5),
    Euler(),
    Euler(3.0),
    Heun(),
    Heun(3.0),
    DPMpp2M(),
    DPMpp3M(),
    DPMppSDE(),
    UniPC(),
    UniPC(3),
    Extra(DPMpp2M(), 4),
]
READS = {"_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero"}
META = torch.device("meta")


class Waits(TorchDispatchMode):
    """Notes the operations for which a host would wait: reads of a device's values, and copies from the host to it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        out = func(*args, **(kwargs or {}))
        devices = [arg.device for arg in args if isinstance(arg, Tensor)]
        if name in READS and META in devices:
            self.names.append(name)
        copied = name in ("_to_copy", "copy_") and isinstance(out, Tensor) and out.device == META
        # A copy to which the host need not wait is written as one: ``becalm.cond.to``.
        copied = copied and not (kwargs or {}).get("non_blocking", False)
        if copied and any(device != META for device in devices):
            self.names.append(name)
        return out


def bowl(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
    return x.square().sum(1)


GUIDES: dict[str, Guidance[Tensor] | None] = {
    "plain": None,
    "classifier-free": None,
    "energy and clamp": compose(Descend(bowl, 0.1, "clean"), clamp(-3, 3)),
    "through": Descend(bowl, 0.1, "through"),
    "held": hold(torch.zeros(3, 2, device=META), torch.ones(3, 2, dtype=torch.bool, device=META)),
    "dynamic": dynamic_threshold(0.9),
}


@pytest.mark.parametrize("guide", GUIDES)
@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_no_step_waits(sampler: Sampler, guide: str) -> None:
    of = model(schedule=Linear())
    of.network.to(META)
    request = of.request(count=3, guidance=2.0 if guide == "classifier-free" else 1.0)
    cond, bare = of.domain.condition(request).to(META), of.denoiser(request, chunk=None)
    own = GUIDES[guide]
    denoise = own(bare) if own is not None else of.domain.guidance(request)(bare)
    with Waits() as waits:
        steps = sampler(denoise, torch.randn(3, 2, device=META), levels(Linear(), 6), cond)
        next(steps)  # A path's coefficients are copied before the first step.
        waits.names.clear()
        assert sum(1 for _ in steps) == (9 if isinstance(sampler, Extra) else 5)
    assert waits.names == []


TIMES: dict[str, Times] = {
    "uniform": Uniform(),
    "importance": Importance(),
    "fixed": Fixed(times=(1.0, 0.5)),
    "log_normal": LogNormal(),
}


@pytest.mark.parametrize("schedule", [Cosine(), Linear()], ids=["cosine", "linear"])
@pytest.mark.parametrize("times", TIMES)
def test_no_training_step_waits(times: str, schedule: Schedule) -> None:
    objective = Denoising(levels=TIMES[times], drop=0.5)
    state = begin(model().domain, schedule, objective, Training(steps=10, precision="fp32"), META)
    state.optimizers = [torch.optim.SGD(state.weights().values(), 1e-3)]  # Fused kernels are refused on meta.
    training = train(state)
    with Waits() as waits:
        next(training)  # Tables of a schedule are copied in the first step.
        waits.names.clear()
        next(training)
    assert waits.names == []


@pytest.mark.parametrize("schedule", [Cosine(), Linear()], ids=["cosine", "linear"])
@pytest.mark.parametrize("times", TIMES)
def test_all_of_a_recorded_step_is_on_the_device(times: str, schedule: Schedule) -> None:
    """A CUDA graph holds no number of a batch, rate or share that the host has looked at or copied."""
    objective = Denoising(levels=TIMES[times], drop=0.5)
    state = begin(model().domain, schedule, objective, Training(steps=10, precision="fp32"), META)
    state.optimizers = [Muon([weight for weight in state.weights().values() if weight.dim() > 1], lr=1e-3)]
    number, rate, share = (torch.zeros((), device=META, dtype=kind) for kind in (torch.long, torch.float, torch.float))
    part = Part(next(state.domain.batches("train", 0)).to(META), number)
    advance(state, state.network, [part], 1e-3, 0.5)
    with Waits() as waits:
        advance(state, state.network, [part], rate, share)
    assert waits.names == []
    assert all(group["lr"] is rate for each in state.optimizers for group in each.param_groups)


def test_the_watch_sees_a_copy_and_a_read() -> None:
    with Waits() as waits:
        torch.ones(3).to(META)
        assert waits.names == ["_to_copy"]
        with pytest.raises((RuntimeError, NotImplementedError)):
            float(torch.ones((), device=META))
