"""A record put to work: the verb or the panel runs once more, into a folder of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from becalm.errors import UserError, sentence
from becalm.plugin import paths
from becalm.plugin.find import domain_ref, resolve
from becalm.plugin.hooks import CommandRef
from becalm.plugin.report import Progress
from becalm.provenance import Record, record, stamp
from becalm_apps.cli.progress import Meter
from becalm_apps.verbs import sample
from becalm_apps.verbs.generate import open_model
from becalm_apps.verbs.recipe import verb_of


@dataclass(frozen=True, slots=True)
class Means:
    """What a result is made with.

    Attributes:
        checkpoint: Name or file of the model; None where there is none.
        inputs: Files by option.
    """

    checkpoint: str | None
    inputs: Mapping[str, str]
    device: str


def replay(made: Record, name: str, folder: Path, means: Means, *, quiet: bool) -> bytes:
    """The content of a result made anew.

    Args:
        name: What the file is called.
        folder: Where the verb writes; new.

    Raises:
        UserError: If the verb is not installed, or its settings have changed since.
    """
    entry = verb_of(made)
    if entry is not None:
        return _of_plugin(entry, made, name, folder, means, quiet=quiet)
    ref = domain_ref(made.domain)
    model = open_model(ref, means.checkpoint, means.device)
    request: Any = _validate(model.domain.request, {**made.settings, **means.inputs}, made)
    _, content = sample.make(model, request, Path(name).suffix, quiet=quiet)
    return stamp(content, name, record(made.command, request, model=model))


def _of_plugin(entry: CommandRef, made: Record, name: str, folder: Path, means: Means, *, quiet: bool) -> bytes:
    kind: type[BaseModel] = resolve(entry.options)
    option, _, inside = made.output.partition("/")
    table = {**made.settings, **means.inputs}
    if option not in set(paths.outputs(kind)):
        raise UserError(f"becalm {made.command} writes nothing by {option!r} any more")
    place = folder / option if inside else folder / option / name
    table[option] = str(place)
    for other in paths.outputs(kind):
        default = kind.model_fields[other].default
        if other != option and isinstance(default, str):
            table[other] = str(folder / other / default)
    if means.checkpoint is not None:
        table |= dict.fromkeys(paths.weights(kind), means.checkpoint)
    if "device" in kind.model_fields:
        table["device"] = means.device
    meter = Meter("again", quiet=quiet)
    try:
        for report in resolve(entry.target)(_validate(kind, table, made)):
            if isinstance(report, Progress):
                meter.set(report.done, report.total, report.text)
    finally:
        meter.stop()
    return (place / inside if inside else place).read_bytes()


def _validate(kind: type[BaseModel], table: Mapping[str, Any], made: Record) -> BaseModel:
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        raise UserError(f"the settings of becalm {made.command} have changed since: {sentence(error)}") from error
