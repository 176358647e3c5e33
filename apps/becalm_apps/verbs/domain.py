"""The verbs of one domain: three that all domains share, and those that its plugins add."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from becalm.files.lock import hold
from becalm.plugin.find import Plugin, resolve
from becalm.plugin.hooks import CommandRef, DomainRef
from becalm.request import SampleRequest
from becalm_apps.cli import common
from becalm_apps.cli.error_boundary import on_stop
from becalm_apps.cli.form import Form
from becalm_apps.cli.lazy_group import LazyCommand, LazyGroup
from becalm_apps.cli.show import show
from becalm_apps.cli.verb import Call, Verb
from becalm_apps.verbs import evaluate, sample, train

_SHARED = "Models"


def group_of(name: str, plugins: Sequence[Plugin]) -> LazyGroup:
    """The group of a domain's verbs, among all that the plugins bring."""
    home, ref = next((plugin, ref) for plugin in plugins for ref in plugin.domains if ref.name == name)
    commands = [(plugin, entry) for plugin in plugins for entry in plugin.commands if entry.domain == name]
    own = [entry for plugin, entry in commands if plugin.distribution == home.distribution]
    others = [entry for plugin, entry in commands if plugin.distribution != home.distribution]
    return domain_group(ref, own, others)


def domain_group(ref: DomainRef, own: Sequence[CommandRef], others: Sequence[CommandRef] = ()) -> LazyGroup:
    """The group of a domain's verbs.

    Args:
        own: Verbs of the distribution that brings the domain; they may take the place of shared ones.
        others: Verbs that other plugins add; where they want a name that is taken, it stays as it is.
    """
    shared = {
        "sample": LazyCommand(_SHARED, sample.SUMMARY, lambda: sample.verb(ref)),
        "train": LazyCommand(_SHARED, train.SUMMARY, lambda: train.verb(ref)),
        "evaluate": LazyCommand(_SHARED, evaluate.SUMMARY, lambda: evaluate.verb(ref)),
    }
    kept = {**shared, **_entries(own, shared)}
    kept |= {name: entry for name, entry in _entries(others, shared).items() if name not in kept}
    owned = [line for command in own for line in command.examples[:1]]
    first = owned if any(command.name == "sample" for command in own) else [*sample.examples(ref)[:1], *owned]
    formerly = {old: command.name for command in (*own, *others) for old in command.formerly}
    return LazyGroup(ref.name, ref.summary, kept, formerly=formerly, examples=first)


def _entries(commands: Sequence[CommandRef], shared: Mapping[str, LazyCommand]) -> dict[str, LazyCommand]:
    return {
        command.name: LazyCommand(
            _SHARED if command.name in shared else command.domain.capitalize(),
            command.summary,
            partial(plugin_verb, command),
        )
        for command in commands
    }


def plugin_verb(entry: CommandRef) -> Verb:
    """The command of a verb that a plugin brings."""

    def form(taken: Sequence[str]) -> Form:
        model: type[BaseModel] = resolve(entry.options)
        return Form(entry.domain, model, section=_section, taken=taken)

    def run(call: Call) -> None:
        target: Any = resolve(entry.target)
        if isinstance(call.settings, SampleRequest):
            from becalm.device import refuse_same

            refuse_same(call.settings.first, call.settings.seed)
        out = getattr(call.settings, "out", None)
        with on_stop(entry.again), hold(Path(out)) if isinstance(out, str | Path) and out else nullcontext():
            show(target(call.settings), entry.name, json=call.own["as_json"], quiet=call.own["quiet"])

    own = [
        common.quiet("No progress, nothing but results and errors."),
        common.as_json("Print lines and tables as one JSON object."),
    ]
    return Verb(entry.name, entry.summary, form=form, own=own, run=run, examples=entry.examples)


def _section(key: str) -> str:
    """What stands in every domain's request goes below what is the verb's own."""
    return "sampling" if key in SampleRequest.model_fields else "options"
