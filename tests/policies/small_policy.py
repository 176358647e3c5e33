"""A policy that is made in a moment: a checkpoint of one, and the flags of a training of one."""

from pathlib import Path
from typing import Any

import scripted

FORK = {"environment": "becalm/Fork-v0", "action_low": (-1.0, -1.0), "action_high": (1.0, 1.0)}
QUICK = ("--architecture", "mlp-tiny", "--batch", 8, "--device", "cpu", "--precision", "fp32")


def made(path: Path, observation: int = 2, action: int = 2, **fields: Any) -> Path:
    """A checkpoint of a policy, of the fork if nothing else is said."""
    file = path / "policy.safetensors"
    scripted.written(scripted.perceptron(scripted.plain(observation, action, **{**FORK, **fields})), file)
    return file
