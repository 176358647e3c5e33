"""Finds plugins by the entry-point group ``becalm``. One broken plugin is reported, and takes nothing else down."""

import contextlib
import importlib
import importlib.resources
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, TypeVar

import pluggy

from becalm.errors import PluginError, UserError, first_line, nearest, unknown
from becalm.plugin import refuse
from becalm.plugin.distribution.blame import needs, said
from becalm.plugin.distribution.declared import may_bring
from becalm.plugin.distribution.entry import distribution, entries, owner, title
from becalm.plugin.hooks import WORDS, CommandRef, DomainRef, KindRef, Specification

T = TypeVar("T")
Wanted = Callable[[EntryPoint], bool]
_SECONDS: dict[str, float] = {}
"""What the import of each plugin's module took; it is imported once in a process."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One installed plugin, loaded or not.

    Attributes:
        name: Entry-point name; distribution and version: where it comes from.
        module: What the entry point names.
        error: One line on why it could not be loaded, or None.
        seconds: What its import took.
    """

    name: str
    distribution: str
    version: str
    module: str = ""
    domains: tuple[DomainRef, ...] = ()
    commands: tuple[CommandRef, ...] = ()
    panels: tuple[CommandRef, ...] = ()
    kinds: tuple[KindRef, ...] = ()
    error: str | None = None
    seconds: float = 0.0


def installed(wanted: Wanted = lambda entry: True) -> list[Plugin]:
    """Every plugin on the path, in order of name; the broken ones with their error.

    Becalm's own come first where two bring the same domain or checkpoint, so that no stranger takes one away.

    Args:
        wanted: Which of them; the others are not imported.
    """
    plugins: list[Plugin] = []
    taken: dict[str, str] = {f"domain {word!r}": "becalm itself" for word in WORDS}
    for entry in sorted(filter(wanted, entries()), key=lambda entry: (distribution(entry)[0] != "becalm", entry.name)):
        plugin = _load(entry)
        brought = [f"domain {ref.name!r}" for ref in plugin.domains]
        brought += [f"checkpoint {name!r}" for ref in plugin.domains for name in ref.pretrained]
        brought += [f"{ref.room} {ref.name!r}" for ref in plugin.kinds]
        clash = sorted(name for name in brought if name in taken or brought.count(name) > 1)
        if clash:
            error = f"{clash[0]} is already brought by {taken.get(clash[0], 'this plugin')}"
            nothing: dict[str, Any] = dict.fromkeys(("domains", "commands", "panels", "kinds"), ())
            plugin = replace(plugin, **nothing, error=error)
        else:
            taken |= dict.fromkeys(brought, f"plugin {plugin.name!r} of {plugin.distribution}")
        plugins.append(plugin)
    return sorted(plugins, key=lambda plugin: plugin.name)


def of_domain(name: str) -> list[Plugin]:
    """The plugins that may bring a domain or add to it; all, if none of these brings it."""
    hooks = ("domains", "commands", "panels")
    some = installed(lambda entry: any(may_bring(entry.value, hook, name) for hook in hooks))
    return some if any(ref.name == name for plugin in some for ref in plugin.domains) else installed()


def of_kinds() -> list[Plugin]:
    """The plugins that may bring kinds."""
    return installed(lambda entry: may_bring(entry.value, "kinds"))


def bringer(room: str, name: str) -> Plugin | None:
    """The plugin that brings a kind of a room, or a ``domain``; None for becalm's own and for a notebook's."""
    among = of_domain(name) if room == "domain" else of_kinds()
    for plugin in among:
        known = {("domain", ref.name) for ref in plugin.domains} | {(ref.room, ref.name) for ref in plugin.kinds}
        if (room, name) in known:
            return None if plugin.distribution == "becalm" else plugin
    return None


def domain_ref(name: str) -> DomainRef:
    """The domain of that name.

    Raises:
        UserError: If no installed plugin brings it.
    """
    refs = {ref.name: ref for plugin in of_domain(name) for ref in plugin.domains}
    if name not in refs:
        raise unknown("domain", name, refs)
    return refs[name]


def pretrained(name: str) -> tuple[DomainRef, Path]:
    """The domain and file of a pretrained checkpoint.

    Raises:
        UserError: If no installed plugin has it.
    """
    some = installed(lambda entry: may_bring(entry.value, "domains", name))
    found = _checkpoints(some)
    if name not in found:
        found = _checkpoints(installed())
    if name not in found:
        raise unknown("checkpoint", name, found)
    ref, place = found[name]
    return ref, resource(place)


def _checkpoints(plugins: list[Plugin]) -> dict[str, tuple[DomainRef, str]]:
    refs = [ref for plugin in plugins for ref in plugin.domains]
    return {key: (ref, place) for ref in refs for key, place in ref.pretrained.items()}


def targets(plugin: Plugin) -> list[str]:
    """The ``package.module:name`` of a plugin that its commands need."""
    named = [target for ref in plugin.domains for target in (ref.request, ref.target, ref.needs) if target is not None]
    named += [target for verb in plugin.commands for target in (verb.options, verb.target)]
    return [*named, *(ref.target for ref in plugin.kinds)]


def resource(place: str) -> Path:
    """A file inside a package, given as ``package:path``.

    Raises:
        UserError: If there is no such package.
    """
    package, _, inside = place.partition(":")
    try:
        return Path(str(importlib.resources.files(package))) / inside
    except (ModuleNotFoundError, TypeError) as error:  # A module is no package, and then it is a TypeError.
        raise UserError(f"there is no package {package!r} that could hold {inside}") from error


def resolve(target: str) -> Any:
    """The object at ``package.module:name``. Only what installed plugins name comes here, never a file's content.

    What its module prints as it is imported goes to stderr.

    Raises:
        UserError: If a library is missing, with the command that brings it.
        PluginError: If there is no such module or name, or the module is a stranger's and cannot be imported.
    """
    module, _, name = target.partition(":")
    try:
        with aside():
            found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            raise PluginError(f"{_whose(module)} names {target}, but there is no module {error.name!r}") from error
        raise UserError(needs(error, module.partition(".")[0])) from error
    except UserError:
        raise
    except Exception as error:
        if owner(module, entries()) is None:
            raise
        raise PluginError(f"{_whose(module)}: {module} cannot be imported: {said(error)}") from error
    if not hasattr(found, name):
        near = nearest(name, vars(found))
        raise PluginError(f"{_whose(module)} names {target}, but {module} has no {name!r}{near}")
    return getattr(found, name)


def aside() -> AbstractContextManager[object]:
    """Has what a stranger's module prints go to stderr: stdout is the results'."""
    return contextlib.redirect_stdout(sys.stderr)


def _whose(module: str) -> str:
    entry = owner(module, entries())
    return "a plugin" if entry is None else title(entry)


def _load(entry: EntryPoint) -> Plugin:
    name, version = distribution(entry)
    manager = pluggy.PluginManager("becalm")
    manager.add_hookspecs(Specification)
    try:
        if entry.dist is not None and name != "becalm":
            refuse.another_version(entry.dist)
        with aside():
            plugin = _imported(entry)
            manager.register(plugin, entry.name)
            refuse.misspelt(plugin, manager)
            domains = _call(manager.hook.domains, DomainRef)
            commands = _call(manager.hook.commands, CommandRef)
            panels = _call(manager.hook.panels, CommandRef)
            kinds = _call(manager.hook.kinds, KindRef)
        for ref in domains:
            refuse.domain(ref)
        for verb in (*commands, *panels):
            refuse.command(verb)
        for kind in kinds:
            refuse.kind(kind)
    except KeyboardInterrupt as pressed:
        # Whoever waits for a plugin that never comes back should learn which one it is.
        raise KeyboardInterrupt(f"stopped while loading {title(entry)}") from pressed
    except ModuleNotFoundError as error:
        own = not error.name or f"{entry.module}.".startswith(f"{error.name}.")
        reason = f"there is no module {error.name!r}" if own else needs(error, title(entry))
        return Plugin(entry.name, name, version, entry.value, error=reason)
    # A stranger's module can raise anything, SystemExit among it; whatever it is must not stop the others.
    except BaseException as error:
        text = first_line(error, "no message")
        reason = text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"
        return Plugin(entry.name, name, version, entry.value, error=reason)
    seconds = _SECONDS.get(entry.value, 0.0)
    return Plugin(entry.name, name, version, entry.value, domains, commands, panels, kinds, seconds=seconds)


def _imported(entry: EntryPoint) -> Any:
    new, begun = entry.module not in sys.modules, time.perf_counter()
    plugin = entry.load()
    if new:
        _SECONDS[entry.value] = time.perf_counter() - begun
    return plugin


def _call(hook: pluggy.HookCaller, kind: type[T]) -> tuple[T, ...]:
    results = hook()
    if len(results) < len(hook.get_hookimpls()):  # Pluggy leaves out None.
        raise UserError(f"hook {hook.name} must return a list of {kind.__name__}, got None")
    refs = [ref for result in results for ref in (result if isinstance(result, list | tuple) else [result])]
    for ref in refs:
        if not isinstance(ref, kind) or not all(isinstance(result, list | tuple) for result in results):
            raise UserError(f"hook {hook.name} must return a list of {kind.__name__}, got {type(ref).__name__}")
    return tuple(refs)
