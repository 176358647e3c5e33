"""What the bits of a training depend on beside its settings, and what of it is another than at its last save.

Other data make another training, so it does not go on with them unasked. Another version or another device makes the
same training with other roundings: worth a sentence, no refusal.
"""

import platform
import re
from collections.abc import Mapping
from typing import Any

import torch

import becalm
from becalm.errors import UserError
from becalm.train.state import TrainState


def conditions(state: TrainState[Any]) -> dict[str, str]:
    """Versions and the kind of processor, by what a sentence calls them. The number of threads is not among them."""
    kind = state.device.type
    if kind == "cuda":
        processor = torch.cuda.get_device_name(state.device)
    else:
        processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return {"becalm": becalm.__version__, "torch": torch.__version__, "device": kind, "processor": processor}


def drift(state: TrainState[Any]) -> str:
    """A sentence on what is another than at the last save; nothing if nothing is, or the training was never saved."""
    changed = _changes(state.bits, conditions(state))
    if not changed:
        return ""
    return f"the bits may differ from those of a training that was never stopped: {'; '.join(changed)}"


def check_data(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuses other data; trainings of before data had a fingerprint go on.

    Raises:
        UserError: If they are others.
    """
    if changed := _changes(then, now):
        raise UserError(
            f"the data are not those that this training began with: {'; '.join(changed)}. "
            "Bring those back, begin another training with --from, or go on with these by --resume --anyway"
        )


def _changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {_shown(then[name])} then, {_shown(now.get(name))} now" for name in then if now.get(name) != then[name]
    ]


def _shown(fact: Any) -> str:
    """A fact in short: of a digest the beginning."""
    text = str(fact)
    return text[:8] if re.fullmatch("[0-9a-f]{32,}", text) else text
