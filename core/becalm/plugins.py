"""Finds plugins by the entry-point group ``becalm``. One broken plugin is reported, and takes nothing else down."""

import contextlib
import importlib
import importlib.metadata
import importlib.resources
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pluggy

from becalm.errors import UserError, unknown
from becalm.hooks import CommandRef, DomainRef, Specification

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugin:
    """One installed plugin, loaded or not.

    Attributes:
        name: Entry-point name; distribution and version: where it comes from.
        error: One line on why it could not be loaded, or None.
    """

    name: str
    distribution: str
    version: str
    domains: tuple[DomainRef, ...] = ()
    commands: tuple[CommandRef, ...] = ()
    error: str | None = None


def installed() -> list[Plugin]:
    """Every plugin on the path, in order of name; the broken ones with their error.

    Becalm's own come first where two bring the same domain, so that no stranger takes one away.
    """
    plugins: list[Plugin] = []
    taken: set[str] = set()
    for entry in sorted(_entries(), key=lambda entry: (_distribution(entry)[0] != "becalm", entry.name)):
        plugin = _load(entry)
        names = [ref.name for ref in plugin.domains]
        clash = sorted(name for name in names if name in taken or names.count(name) > 1)
        if clash:
            error = f"domain {clash[0]!r} is already brought by another plugin"
            plugin = Plugin(plugin.name, plugin.distribution, plugin.version, error=error)
        taken |= {ref.name for ref in plugin.domains}
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
    """A file inside a package, given as ``package:path``."""
    package, _, inside = place.partition(":")
    return Path(str(importlib.resources.files(package))) / inside


def resolve(target: str) -> Any:
    """The object at ``package.module:name``. Only what installed plugins name comes here, never a file's content.

    Raises:
        UserError: If an optional package is missing, with the command that mends it.
    """
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise UserError(missing(module, error)) from error


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
        plugin = entry.load()
        manager.register(plugin, entry.name)
        manager.check_pending()
        _check_marks(plugin, manager)
        domains = _call(manager.hook.domains, DomainRef)
        commands = _call(manager.hook.commands, CommandRef)
    except KeyboardInterrupt:
        raise
    # A stranger's module can raise anything, SystemExit among it; whatever it is must not stop the others.
    except BaseException as error:
        text = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {text[0] if text else 'no message'}"
        return Plugin(entry.name, distribution, version, error=reason)
    return Plugin(entry.name, distribution, version, domains, commands)


def _check_marks(plugin: object, manager: pluggy.PluginManager) -> None:
    """Refuses a hook without its mark, which pluggy would pass over in silence, and a plugin without any hook."""
    used = {caller.name for caller in manager.get_hookcallers(plugin) or []}
    forgotten = [name for name in ("domains", "commands") if callable(getattr(plugin, name, None)) and name not in used]
    if forgotten:
        raise TypeError(f"{forgotten[0]} is not marked: put @becalm.hooks.hookimpl above it")
    if not used:
        raise TypeError("it has no hook: define domains or commands, marked with @becalm.hooks.hookimpl")


def _call(hook: pluggy.HookCaller, kind: type[T]) -> tuple[T, ...]:
    results = hook()
    if len(results) < len(hook.get_hookimpls()):  # Pluggy leaves out None.
        raise TypeError(f"hook {hook.name} must return a list of {kind.__name__}, got None")
    refs = [ref for result in results for ref in (result if isinstance(result, list | tuple) else [result])]
    for ref in refs:
        if not isinstance(ref, kind) or not all(isinstance(result, list | tuple) for result in results):
            raise TypeError(f"hook {hook.name} must return a list of {kind.__name__}, got {type(ref).__name__}")
    return tuple(refs)
