"""No step of sampling images mixes devices or waits for one: shown on torch's device ``meta``, which has no values."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from becalm.files.checkpoint import Checkpoint
from becalm.model import Model, build, find

META = torch.device("meta")


@pytest.fixture(scope="module")
def meta() -> Model[Tensor]:
    return build(Checkpoint.read(find("mnist")), META)


class Copies(TorchDispatchMode):
    """Counts copies from the host to the device."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in ("_to_copy", "copy_") and out.device == META:
            self.count += any(isinstance(arg, Tensor) and arg.device != META for arg in args)
        return out


@pytest.mark.parametrize(
    "fields",
    [
        {"guidance": 3.0},
        {"guidance": 3.0, "guidance_high": 1.0, "rescale": 0.7},
        {"threshold": "dynamic"},
        {"guidance": 0.0, "classifier_guidance": 5.0, "sampler": "ddpm"},
        {"churn": 5.0, "sampler": "heun"},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_no_step_waits_or_mixes_devices(meta: Model[Tensor], fields: dict[str, Any]) -> None:
    steps = meta.steps(label=7, count=4, steps=4, **fields)
    next(steps)  # A run's coefficients, and the classifier, are copied once.
    with Copies() as copies:
        assert sum(1 for _ in steps) == 3
    assert copies.count == 0
