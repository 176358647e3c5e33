"""``becalm policies from-lerobot``: a DiffusionPolicy of LeRobot becomes a checkpoint."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import torch

from becalm.files import atomic
from becalm.model import build
from becalm_policies.domain import Policies
from becalm_policies.interchange.lerobot_policy import read
from becalm_policies.options import FromLeRobotOptions


def run(options: FromLeRobotOptions) -> Iterator[str]:
    """Writes the policy of a folder as a checkpoint.

    Raises:
        UserError: If the folder holds no such policy, or it has no counterpart.
    """
    out = Path(options.out)
    atomic.check(out, (".safetensors",))
    checkpoint = read(Path(options.folder))
    model = build(checkpoint, torch.device("cpu"))
    checkpoint.write(out)
    domain = cast(Policies, model.domain)
    sampling = domain.usual()
    shown = {f"{height} x {width}": None for height, width in domain.camera_sizes}
    seen = f"pictures of {', '.join(domain.sizes)} of {', '.join(shown)}, " if domain.sizes else ""
    yield (
        f"{out}: {domain.observation_size} observed and {domain.action_size} action entries, {seen}"
        f"history {domain.history}, "
        f"horizon {domain.horizon}, execute {domain.execute}; "
        f"{sampling['sampler']['kind']} in {sampling['steps']} steps"
    )
    yield f"it does not say its environment: becalm policies evaluate {out} --env ID"
