"""Finds plugins by the entry-point group ``becalm``. One broken plugin is reported, and takes nothing else down."""

import importlib
import importlib.metadata
import importlib.resources
from collections.abc import Callable
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
    """Every plugin on the path, in order of name; the broken ones with their error."""
    found = importlib.metadata.entry_points(group="becalm")
    plugins: list[Plugin] = []
    taken: set[str] = set()
    for entry in sorted(found, key=lambda entry: entry.name):
        plugin = _load(entry)
        clash = taken & {ref.name for ref in plugin.domains}
        if clash:
            error = f"domain {sorted(clash)[0]!r} is already brought by another plugin"
            plugin = Plugin(plugin.name, plugin.distribution, plugin.version, error=error)
        taken |= {ref.name for ref in plugin.domains}
        plugins.append(plugin)
    return plugins


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
    refs = {key: (ref, place) for plugin in installed() for ref in plugin.domains for key, place in ref.pretrained.items()}
    if name not in refs:
        raise unknown("checkpoint", name, refs)
    ref, place = refs[name]
    return ref, resource(place)


def resource(place: str) -> Path:
    """A file inside a package, given as ``package:path``."""
    package, _, inside = place.partition(":")
    return Path(str(importlib.resources.files(package))) / inside


def resolve(target: str) -> Any:
    """The object at ``package.module:name``. Only targets that installed plugins name come here, never a file's content.

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


def _load(entry: importlib.metadata.EntryPoint) -> Plugin:
    distribution = entry.dist.name if entry.dist else "?"
    version = entry.dist.version if entry.dist else "?"

    def broken(error: BaseException) -> Plugin:
        text = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {text[0] if text else 'no message'}"
        return Plugin(entry.name, distribution, version, error=reason)

    manager = pluggy.PluginManager("becalm")
    manager.add_hookspecs(Specification)
    try:
        manager.register(entry.load(), entry.name)
        manager.check_pending()
        domains = _call(manager.hook.domains, DomainRef)
        commands = _call(manager.hook.commands, CommandRef)
    # A stranger's module can raise anything, SystemExit among it; whatever it is must not stop the others.
    except (Exception, SystemExit) as error:
        return broken(error)
    return Plugin(entry.name, distribution, version, domains, commands)


def _call(hook: Callable[[], list[list[T]]], kind: type[T]) -> tuple[T, ...]:
    refs = [ref for refs in hook() for ref in refs]
    for ref in refs:
        if not isinstance(ref, kind):
            raise TypeError(f"a hook must return a list of {kind.__name__}, got {type(ref).__name__}")
    return tuple(refs)
