"""Whether the references of a plugin lead to what they say: each is imported once, and the time that takes is told."""

import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from becalm.errors import UserError
from becalm.plugin.find import Plugin, resolve, resource
from becalm.plugin.hooks import CommandRef, DomainRef, KindRef
from becalm_apps.cli.error_boundary import explain
from becalm_apps.cli.lazy_group import LazyGroup
from becalm_apps.verbs.domain import plugin_verb


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, followed.

    Attributes:
        what: Whose it is, such as ``domain wave``, and which: ``target``.
        target: What it names.
        seconds: What following it took; mostly the import, if nothing has imported that before.
        error: Why it leads nowhere, or None.
    """

    plugin: str
    what: str
    target: str
    seconds: float
    error: str | None


def follow(plugin: Plugin, root: click.Command) -> Iterator[Reference]:
    """The references of a plugin, one after another.

    Args:
        root: The whole command, by which the examples of verbs are read.
    """
    if plugin.error is not None:
        yield Reference(plugin.name, "entry point", plugin.module, plugin.seconds, plugin.error)
        return
    yield Reference(plugin.name, "entry point", plugin.module, plugin.seconds, None)
    for what, target, work in _all(plugin, root):
        begun, error = time.perf_counter(), None
        try:
            work()
        # A stranger's module can raise anything, SystemExit among it.
        except (Exception, SystemExit) as raised:
            error = explain(raised)
        yield Reference(plugin.name, what, target, time.perf_counter() - begun, error)


def _all(plugin: Plugin, root: click.Command) -> Iterator[tuple[str, str, Callable[[], object]]]:
    for ref in plugin.domains:
        whose = f"domain {ref.name}"
        if ref.request is not None:
            yield f"{whose}: request", ref.request, partial(resolve, ref.request)
        yield f"{whose}: target", ref.target, partial(_domain, ref)
        yield f"{whose}: network", ref.target, partial(_network, ref)
        if ref.needs is not None:
            yield f"{whose}: needs", ref.needs, partial(_needs, ref.needs)
        for name, place in ref.pretrained.items():
            yield f"checkpoint {name}", place, partial(_file, place)
    for kind, refs in (("verb", plugin.commands), ("panel", plugin.panels)):
        for verb in refs:
            whose = f"{kind} {verb.domain} {verb.name}"
            yield f"{whose}: options", verb.options, partial(_options, verb)
            yield f"{whose}: target", verb.target, partial(_callable, verb)
            for line in verb.examples:
                yield f"{whose}: example", line, partial(_example, line, root)
    for own in plugin.kinds:
        yield f"{own.room} {own.name}", own.target, partial(_kind, own)


def _domain(ref: DomainRef) -> None:
    from becalm.domain import Domain

    found: Any = resolve(ref.target)
    if not (isinstance(found, type) and issubclass(found, Domain)):
        raise UserError(f"{ref.target} is no subclass of becalm.domain.Domain")
    if lacking := sorted(found.__abstractmethods__):
        raise UserError(f"{ref.target} does not define {', '.join(lacking)}")
    if found.name != ref.name:
        raise UserError(f"{ref.target} has the name {found.name!r}, the hook says {ref.name!r}")
    if ref.request is not None and resolve(ref.request) is not found.request:
        raise UserError(f"{ref.request} is not the request of {ref.target}")


def _network(ref: DomainRef) -> None:
    """Builds the network of the default settings, unless these are to be read off data."""
    domain = resolve(ref.target)()
    try:
        domain.network()
    except UserError:
        return


def _needs(target: str) -> None:
    list(resolve(target)())


def _options(verb: CommandRef) -> None:
    """Makes the flags, which reads the fields and their widgets."""
    plugin_verb(verb).form.flags  # noqa: B018 (made when it is asked for)


def _file(place: str) -> None:
    path = resource(place)
    if not path.is_file():
        raise UserError(f"there is no file {path}")


def _callable(verb: CommandRef) -> None:
    if not callable(resolve(verb.target)):
        raise UserError(f"{verb.target} cannot be called")


def _kind(ref: KindRef) -> None:
    found = resolve(ref.target)
    if (getattr(found, "room", None), getattr(found, "model_fields", {}).get("kind")) == (None, None):
        raise UserError(f"{ref.target} is no kind")
    if found.room != ref.room:
        raise UserError(f"{ref.target} is a {found.room}, the hook says {ref.room}")
    if found.model_fields["kind"].default != ref.name:
        raise UserError(f"{ref.target} has the kind {found.model_fields['kind'].default!r}, the hook says {ref.name!r}")


def _example(line: str, root: click.Command) -> None:
    """Reads an example as its command would, and does nothing."""
    program, *words = shlex.split(line, comments=True)
    if program != "becalm":
        raise UserError(f"an example begins with becalm, got {program!r}")
    command = root
    context = click.Context(root, info_name="becalm", **root.context_settings)
    while isinstance(command, LazyGroup) and words:
        name, found, words = command.resolve_command(context, words)
        if found is None:
            raise UserError(f"{context.command_path} has no command {name!r}")
        command = found
        if isinstance(command, LazyGroup):
            context = click.Context(command, info_name=name, parent=context, **command.context_settings)
    words = words[: words.index(">")] if ">" in words else words
    command.make_context(str(command.name), words, parent=context).close()
