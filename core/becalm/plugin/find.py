"""Finds plugins by the entry-point group ``becalm``. One broken plugin is reported, and takes nothing else down."""

import contextlib
import importlib
import importlib.metadata
import importlib.resources
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pluggy

from becalm.errors import UserError, first_line, nearest, unknown
from becalm.plugin import refuse
from becalm.plugin.hooks import WORDS, CommandRef, DomainRef, KindRef, Specification

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugin:
    """One installed plugin, loaded or not.

    Attributes:
        name: Entry-point name; distribution and version: where it comes from.
        module: What the entry point names.
        error: One line on why it could not be loaded, or None.
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


def installed() -> list[Plugin]:
    """Every plugin on the path, in order of name; the broken ones with their error.

    Becalm's own come first where two bring the same domain or checkpoint, so that no stranger takes one away.
    """
    plugins: list[Plugin] = []
    taken: dict[str, str] = {f"domain {word!r}": "becalm itself" for word in WORDS}
    for entry in sorted(_entries(), key=lambda entry: (_distribution(entry)[0] != "becalm", entry.name)):
        plugin = _load(entry)
        brought = [f"domain {ref.name!r}" for ref in plugin.domains]
        brought += [f"checkpoint {name!r}" for ref in plugin.domains for name in ref.pretrained]
        brought += [f"{ref.room} {ref.name!r}" for ref in plugin.kinds]
        clash = sorted(name for name in brought if name in taken or brought.count(name) > 1)
        if clash:
            error = f"{clash[0]} is already brought by {taken.get(clash[0], 'this plugin')}"
            plugin = Plugin(plugin.name, plugin.distribution, plugin.version, plugin.module, error=error)
        else:
            taken |= dict.fromkeys(brought, f"plugin {plugin.name!r} of {plugin.distribution}")
        plugins.append(plugin)
    return sorted(plugins, key=lambda plugin: plugin.name)


def domain_ref(name: str) -> DomainRef:
    """The domain of that name.

    Raises:
        UserError: If no installed plugin brings it.
    """
    refs = {ref.name: ref for plugin in installed() for ref in plugin.domains}
    if name not in refs:
        raise unknown("domain", name, refs)
    return refs[name]


def pretrained(name: str) -> tuple[DomainRef, Path]:
    """The domain and file of a pretrained checkpoint.

    Raises:
        UserError: If no installed plugin has it.
    """
    refs = {
        key: (ref, place) for plugin in installed() for ref in plugin.domains for key, place in ref.pretrained.items()
    }
    if name not in refs:
        raise unknown("checkpoint", name, refs)
    ref, place = refs[name]
    return ref, resource(place)


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

    Raises:
        UserError: If an optional package is missing, with the command that mends it, or the module has no such name.
    """
    module, _, name = target.partition(":")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(missing(module, error)) from error
    if not hasattr(found, name):
        raise UserError(f"a plugin names {target}, but {module} has no {name!r}{nearest(name, vars(found))}")
    return getattr(found, name)


def missing(module: str, error: ModuleNotFoundError) -> str:
    """One sentence on a missing package and the command that mends it."""
    package = module.split(".")[0]
    extra = package.removeprefix("becalm_")
    wants = f"pip install 'becalm[{extra}]'" if package != "becalm" and extra != "images" else "pip install becalm"
    return f"{package} needs the package {error.name!r}, which is not installed: {wants}"


def _entries() -> list[importlib.metadata.EntryPoint]:
    """The entry points of every distribution, the first of each name on the path, as Python finds packages."""
    found: dict[str, list[importlib.metadata.EntryPoint]] = {}
    for distribution in importlib.metadata.distributions():
        # A distribution whose own files are damaged is as good as not installed.
        with contextlib.suppress(Exception):
            entries = list(distribution.entry_points.select(group="becalm"))
            if entries:  # Names are read from long texts; most distributions are none of ours.
                found.setdefault(distribution.name, entries)
    return [entry for entries in found.values() for entry in entries]


def _distribution(entry: importlib.metadata.EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else ("?", "?")


def _load(entry: importlib.metadata.EntryPoint) -> Plugin:
    distribution, version = _distribution(entry)
    manager = pluggy.PluginManager("becalm")
    manager.add_hookspecs(Specification)
    try:
        if entry.dist is not None:
            refuse.another_version(entry.dist)
        plugin = entry.load()
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
        raise KeyboardInterrupt(f"stopped while loading plugin {entry.name!r} of {distribution}") from pressed
    # A stranger's module can raise anything, SystemExit among it; whatever it is must not stop the others.
    except BaseException as error:
        text = first_line(error, "no message")
        reason = text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"
        return Plugin(entry.name, distribution, version, entry.value, error=reason)
    return Plugin(entry.name, distribution, version, entry.value, domains, commands, panels, kinds)


def _call(hook: pluggy.HookCaller, kind: type[T]) -> tuple[T, ...]:
    results = hook()
    if len(results) < len(hook.get_hookimpls()):  # Pluggy leaves out None.
        raise UserError(f"hook {hook.name} must return a list of {kind.__name__}, got None")
    refs = [ref for result in results for ref in (result if isinstance(result, list | tuple) else [result])]
    for ref in refs:
        if not isinstance(ref, kind) or not all(isinstance(result, list | tuple) for result in results):
            raise UserError(f"hook {hook.name} must return a list of {kind.__name__}, got {type(ref).__name__}")
    return tuple(refs)
