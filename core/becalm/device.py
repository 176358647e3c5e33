"""Where tensors live: a GPU where there is one, the CPU always."""

import torch

from becalm.errors import UserError


def pick(name: str = "auto") -> torch.device:
    """The device of that name; ``auto`` is CUDA, else Apple's MPS, else the CPU.

    Raises:
        UserError: If the name is no device, or the device is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        have = "cpu, cuda" if torch.cuda.is_available() else "cpu"
        raise UserError(f"device {name!r} is not available here: use auto, or one of {have}") from error
    return device
