"""Where tensors live, a GPU where there is one, the CPU always; and how they are made, whatever is set of torch: the
dtype of new tensors, and inference mode, whose tensors no gradient can pass through, guidance's included.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

import torch

from becalm.errors import UserError

_DEFAULT = threading.RLock()
"""The default dtype is the process's, so one block at a time may change it."""
_NOTHING = nullcontext()


def pick(name: str = "auto") -> torch.device:
    """The device of that name; ``auto`` is CUDA, else the CPU.

    Levels and random numbers are computed in float64, which Apple's MPS has not.

    Raises:
        UserError: If the name is no device, or the device is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device, dtype=torch.float64).tolist()
    # Each backend has its own way to say that it is absent or cannot do float64.
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        have = "cpu, cuda" if torch.cuda.is_available() else "cpu"
        raise UserError(f"device {name!r} is not available here: use auto, or one of {have}") from error
    return device


def half(precision: Literal["auto", "fp32", "bf16"], device: torch.device) -> torch.dtype | None:
    """The half precision of matrix products on a device, None for float32; ``auto`` is bf16 on GPUs that have it.

    On a CPU ``auto`` is float32, whatever is faster there: a seed's samples agree between machines in float32 only.
    """
    if precision == "auto":
        has = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bf16" if has else "fp32"
    return torch.bfloat16 if precision == "bf16" else None


def refuse_many() -> None:
    """Refuses to train where a launcher such as torchrun started several processes: each would train by itself.

    Raises:
        UserError: If the environment's ``WORLD_SIZE`` is above 1.
    """
    count = os.environ.get("WORLD_SIZE", "1")
    if count.isdigit() and int(count) > 1:
        raise UserError(f"training on several devices is not supported yet: WORLD_SIZE must be 1, got {count}")


def refuse_same(first: int, seed: int) -> None:
    """Refuses to draw in one of a launcher's processes what its process 0 draws.

    Args:
        first, seed: Of the samples asked for; where either is not 0, the processes were told apart.

    Raises:
        UserError: If the environment's ``RANK`` is above 0.
    """
    rank, count = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if rank.isdigit() and int(rank) > 0 and first == 0 and seed == 0:
        raise UserError(
            f"process {rank} of {count} (RANK, WORLD_SIZE) would draw the samples that process 0 draws: "
            "give each its own by --first and --count, or a --seed"
        )


@contextmanager
def building() -> Iterator[None]:
    """Networks that are made within are in float32, of tensors that gradients pass; torch's random numbers stay."""
    with _DEFAULT, torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


def outside_inference() -> AbstractContextManager[object]:
    """Tensors that are made within let gradients pass, also where inference mode is on around it."""
    return torch.inference_mode(False) if torch.is_inference_mode_enabled() else _NOTHING
