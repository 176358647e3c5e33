"""The policies of a comparison: checkpoints by name, each perhaps with settings of its own.

pusht    pusht:steps=1    runs/mine.safetensors:sampler=ddim,sampler.eta=1,execute=4
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from becalm.errors import UserError, sentence
from becalm_policies.control.execution import Execution
from becalm_policies.options import CompareOptions, EvaluateOptions, RolloutOptions
from becalm_policies.request import PolicyRequest

_SETTINGS = frozenset(
    ({*PolicyRequest.model_fields} | {*Execution.model_fields} | {"perturb"}) & RolloutOptions.model_fields.keys()
    - {"seed", "first", "device"}
)  # fmt: skip
"""What a policy of a comparison may have for itself; the rest is what is compared under."""
_WORDS = re.compile(r"(?P<checkpoint>.+?):(?P<settings>[a-z_]+(\.[a-z_]+)?=.*)", re.DOTALL)

FIRST = "1"
"""The folder of the policy that the others are compared with."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One policy of a comparison.

    Attributes:
        name: How tables call it. folder: Where its episodes are kept, below the comparison's.
        options: Of the evaluation that it is.
    """

    name: str
    folder: str
    options: EvaluateOptions


def arms(options: CompareOptions) -> list[Arm]:
    """The policies that were asked for, in their order.

    Raises:
        UserError: If there are fewer than two, two are the same, or a setting is unknown or wrong.
    """
    if len(options.policies) < 2:
        raise UserError(
            f"compare needs at least two policies, as in becalm policies compare pusht pusht:steps=1, got "
            f"{len(options.policies)}; becalm policies baselines trains diffusion and its baselines side by side"
        )
    common = options.model_dump(include={*RolloutOptions.model_fields}, exclude_unset=True)
    found = [_arm(word, number, common) for number, word in enumerate(options.policies)]
    for number, arm in enumerate(found):
        if any(arm.options == before.options for before in found[:number]):
            raise UserError(f"policy {options.policies[number]} stands twice with the same settings: compare two")
    return _named(found)


def again(arm: Arm, repeat: int) -> Arm:
    """The same policy with the noise of a later seed, to play the same starts anew; ``repeat`` 0 is itself."""
    seed = arm.options.seed + repeat
    folder = f"{arm.folder}-{repeat + 1}" if repeat else arm.folder
    return Arm(arm.name, folder, arm.options.model_copy(update={"seed": seed}))


def _arm(word: str, number: int, common: Mapping[str, Any]) -> Arm:
    match = _WORDS.fullmatch(word)
    checkpoint, own = (match["checkpoint"], match["settings"]) if match else (word, "")
    given = _settings(word, own) if own else {}
    try:
        options = EvaluateOptions.model_validate({**common, **given, "checkpoint": checkpoint})
    except ValidationError as error:
        raise UserError(f"policy {word}: {sentence(error, known=lambda location: _SETTINGS)}") from error
    name = Path(checkpoint).stem + (f" {own}" if own else "")
    return Arm(name, str(number + 1), options)


def _settings(word: str, own: str) -> dict[str, Any]:
    """``steps=1,times=1,0.5`` as a table: a comma that no name and = follow belongs to the value."""
    table: dict[str, Any] = {}
    for part in re.split(r",(?=[a-z_.]+=)", own):
        name, _, value = part.partition("=")
        outer, _, inner = EvaluateOptions.renamed.get(name, name).partition(".")
        if outer not in _SETTINGS:
            raise UserError(
                f"policy {word}: {name} is no setting that a policy of a comparison may have for itself; these are "
                f"{', '.join(sorted(_SETTINGS))}"
            )
        if inner:
            kind = table.get(outer, {})
            table[outer] = {**(kind if isinstance(kind, dict) else {"kind": kind}), inner: value}
        else:
            # Perturbations have an = of their own, so several are joined by +.
            mark = "+" if outer == "perturb" else ","
            table[outer] = value.split(mark) if mark in value or outer == "perturb" else value
    return table


def _named(found: Sequence[Arm]) -> list[Arm]:
    """Files of the same name in two folders are told apart by their places."""
    names = [arm.name for arm in found]
    return [
        replace(arm, name=f"{arm.options.checkpoint}{arm.name[len(Path(arm.options.checkpoint).stem) :]}")
        if names.count(arm.name) > 1
        else arm
        for arm in found
    ]
