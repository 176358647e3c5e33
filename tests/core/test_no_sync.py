"""No step of a sampler waits for the device: nothing in a loop reads a tensor's value."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from toy import model

from becalm.guidance import Descend, Guidance, clamp, compose
from becalm.level import NoiseLevel
from becalm.sampler import DDIM, DDPM, DPMpp2M, DPMpp3M, DPMppSDE, Euler, Extra, Heun, Sampler, UniPC
from becalm.schedule import Linear, levels

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
]
READS = {"_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero"}


class Reads(TorchDispatchMode):
    """Counts the operations that read a value, each of which would make the host wait for a device."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        # Levels are made on the host in float64: whatever casts them would copy from host to device.
        tensors = [arg for arg in args if isinstance(arg, Tensor)]
        copied = name in ("_to_copy", "copy_") and any(arg.dtype == torch.float64 and arg.dim() == 0 for arg in tensors)
        if name in READS or copied:
            self.names.append(name)
        return func(*args, **(kwargs or {}))


def bowl(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
    return x.square().sum(1)


GUIDES: dict[str, Guidance[Tensor] | None] = {
    "plain": None,
    "classifier-free": None,
    "energy and clamp": compose(Descend(bowl, 0.1, "clean"), clamp(-3, 3)),
    "through": Descend(bowl, 0.1, "through"),
}


@pytest.mark.parametrize("guide", GUIDES)
@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_no_step_reads_a_value(sampler: Sampler, guide: str) -> None:
    of = model(schedule=Linear())
    request = of.request(count=3, guidance=2.0 if guide == "classifier-free" else 1.0)
    cond, bare = of.domain.condition(request), of.denoiser(request)
    own = GUIDES[guide]
    denoise = own(bare) if own is not None else of.domain.guidance(request)(bare)
    with Reads() as reads:
        steps = sampler(denoise, torch.randn(3, 2), levels(Linear(), 6), cond)
        next(steps)  # A path's coefficients are made before the first call of the network, a denoiser's at it.
        reads.names.clear()
        assert sum(1 for _ in steps) == 5
    assert reads.names == []


def test_no_extra_update_reads_a_value() -> None:
    of = model(schedule=Linear())
    cond = of.domain.condition(of.request(count=3))
    with Reads() as reads:
        steps = Extra(DPMpp2M(), 4)(of.denoiser(), torch.randn(3, 2), levels(Linear(), 2), cond)
        next(steps)
        reads.names.clear()
        assert sum(1 for _ in steps) == 5
    assert reads.names == []


def test_the_watch_sees_a_read() -> None:
    with Reads() as reads:
        float(torch.ones(()))
        bool(torch.ones(()) > 0)
        torch.ones(3).tolist()
    assert len(reads.names) >= 2
