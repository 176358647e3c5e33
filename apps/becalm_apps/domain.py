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
from becalm_apps.show import show
from becalm_apps.verb import Call, Verb


def verbs(ref: DomainRef, own: Sequence[CommandRef], others: Sequence[CommandRef] = ()) -> dict[str, Maker]:
    """Verbs by name.

    Args:
        own: Verbs of the distribution that brings the domain; they may take the place of shared ones.
        others: Verbs that other plugins add; where they want a name that is taken, it stays as it is.
    """
    shared: dict[str, Maker] = {
        "sample": (sample.SUMMARY, lambda: sample.verb(ref)),
        "train": (train.SUMMARY, lambda: train.verb(ref)),
        "evaluate": (evaluate.SUMMARY, lambda: evaluate.verb(ref)),
    }
    kept = {**shared, **_makers(own)}
    return {**kept, **{name: maker for name, maker in _makers(others).items() if name not in kept}}


def _makers(commands: Sequence[CommandRef]) -> dict[str, Maker]:
    return {entry.name: (entry.summary, partial(own_verb, entry)) for entry in commands}


def own_verb(entry: CommandRef) -> Verb:
    """The command of a verb that a plugin brings."""

    def form(taken: Sequence[str]) -> Form:
        model: type[BaseModel] = resolve(entry.options)
        return Form.of(entry.domain, model, section=lambda key: "options", taken=taken)

    def run(call: Call) -> None:
        target: Any = resolve(entry.target)
        show(target(call.settings), entry.name, json=call.own["json"], quiet=call.own["quiet"])

    own = [
        click.Option(["--quiet"], is_flag=True, help="No progress, nothing but results and errors."),
        click.Option(["--json"], is_flag=True, help="Print lines and tables as one JSON object."),
    ]
    return Verb(entry.name, entry.summary, form=form, own=own, run=run)
