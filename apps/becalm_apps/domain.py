"""The verbs of one domain: three that all domains share, and those that its plugins add."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import click
from pydantic import BaseModel

from becalm.hooks import CommandRef, DomainRef
from becalm.plugins import resolve
from becalm_apps import evaluate, sample, train
from becalm_apps.form import Form
from becalm_apps.nouns import Maker
from becalm_apps.verb import Call, Verb


def verbs(ref: DomainRef, commands: Sequence[CommandRef]) -> dict[str, Maker]:
    """Verbs by name. A shared verb keeps its name if a plugin's wants it too."""
    makers: dict[str, Maker] = {entry.name: (entry.summary, partial(_own, entry)) for entry in commands}
    shared: dict[str, Maker] = {
        "sample": (sample.SUMMARY, lambda: sample.verb(ref)),
        "train": (train.SUMMARY, lambda: train.verb(ref)),
        "evaluate": (evaluate.SUMMARY, lambda: evaluate.verb(ref)),
    }
    return {**shared, **{name: maker for name, maker in makers.items() if name not in shared}}


def _own(entry: CommandRef) -> click.Command:
    def form(taken: Sequence[str]) -> Form:
        model: type[BaseModel] = resolve(entry.options)
        return Form.of(entry.domain, model, section=lambda key: "options", taken=taken)

    def run(call: Call) -> None:
        target: Any = resolve(entry.target)
        for line in target(call.settings):
            click.echo(line)

    return Verb(entry.name, entry.summary, form=form, own=[], run=run)
