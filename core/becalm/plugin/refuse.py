"""Why a plugin is refused: made for another becalm, a hook misspelt or without its mark, a reference that can be none.

Imports no torch.
"""

import importlib.metadata
import re
from collections.abc import Mapping

import pluggy

from becalm.errors import UserError, nearest
from becalm.plugin.hooks import CommandRef, DomainRef, KindRef
from becalm.version import __version__

HOOKS = ("domains", "commands", "kinds", "panels")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def another_version(distribution: importlib.metadata.Distribution) -> None:
    """Refuses a distribution that requires another version of becalm than this one; pip only warns of that.

    Raises:
        UserError: If so.
    """
    wanted = [text for text in distribution.requires or () if re.match(r"becalm\b(?![-_.])", text, re.IGNORECASE)]
    if not wanted:
        return
    from packaging.requirements import Requirement

    for requirement in map(Requirement, wanted):
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and not requirement.specifier.contains(__version__, prereleases=True):
            raise UserError(f"it requires becalm{requirement.specifier}, this is becalm {__version__}")


def misspelt(plugin: object, manager: pluggy.PluginManager) -> None:
    """Refuses a hook that becalm does not call, and one without its mark, which pluggy would pass over in silence.

    Raises:
        UserError: If there is one, or no hook at all.
    """
    for attribute in dir(plugin):
        marked = manager.parse_hookimpl_opts(plugin, attribute)
        hook = (marked and marked["specname"]) or attribute
        if marked and hook not in HOOKS:
            raise UserError(f"unknown hook {hook!r}: known are {', '.join(HOOKS)}{nearest(hook, HOOKS)}")
    used = {caller.name for caller in manager.get_hookcallers(plugin) or []}
    forgotten = [hook for hook in HOOKS if callable(getattr(plugin, hook, None)) and hook not in used]
    if forgotten:
        raise UserError(f"{forgotten[0]} is not marked: put @becalm.plugin.hooks.hookimpl above it")
    if not used:
        raise UserError(f"it has no hook: define one of {', '.join(HOOKS)}, marked with @becalm.plugin.hooks.hookimpl")


def domain(ref: DomainRef) -> None:
    """Refuses a reference to a domain that cannot lead to one.

    Raises:
        UserError: If a name or a target is none, or the default checkpoint is not among the pretrained.
    """
    name("domain", ref.name)
    _text(f"summary of domain {ref.name!r}", ref.summary)
    _targets(f"domain {ref.name!r}", {"target": ref.target, "request": ref.request, "needs": ref.needs})
    pretrained: object = ref.pretrained
    if not isinstance(pretrained, Mapping):
        raise UserError(f"pretrained of domain {ref.name!r} must be names to package:path, got {pretrained!r}")
    for key, place in ref.pretrained.items():
        _text(f"checkpoint name of domain {ref.name!r}", key)
        if not re.fullmatch(r"[A-Za-z_][\w.]*:.+", str(place)):
            raise UserError(f"checkpoint {key!r} must be package:path, got {place!r}")
    if ref.default is not None and ref.default not in ref.pretrained:
        known = ", ".join(ref.pretrained) or "none"
        raise UserError(f"default of domain {ref.name!r} must be a pretrained checkpoint, of which there are {known}")


def command(ref: CommandRef) -> None:
    """Refuses a reference to a verb or a panel that cannot lead to one.

    Raises:
        UserError: If a name or a target is none.
    """
    name("verb", ref.name)
    name("domain", ref.domain)
    _text(f"summary of {ref.domain} {ref.name}", ref.summary)
    _targets(f"{ref.domain} {ref.name}", {"options": ref.options, "target": ref.target})


def kind(ref: KindRef) -> None:
    """Refuses a reference to a kind that cannot lead to one.

    Raises:
        UserError: If its name or its target is none.
    """
    _text(f"room of kind {ref.name!r}", ref.room)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", str(ref.name)):
        raise UserError(f"{ref.room} name must be small letters, digits and _, got {ref.name!r}")
    _targets(f"{ref.room} {ref.name!r}", {"target": ref.target})


def name(what: str, value: object) -> None:
    """Refuses what is no name of a domain or a verb.

    Raises:
        UserError: If so.
    """
    if not (isinstance(value, str) and _NAME.fullmatch(value)):
        words = re.findall("[a-z0-9]+", str(value).lower())
        slug = "-".join(words)
        near = f"; did you mean {slug!r}?" if _NAME.fullmatch(slug) else ""
        raise UserError(f"{what} name must be small letters and digits, parts joined by hyphens, got {value!r}{near}")


def _text(what: str, text: object) -> None:
    if not isinstance(text, str):
        raise UserError(f"{what} must be text, got {text!r}")


def _targets(whose: str, targets: Mapping[str, object]) -> None:
    for key, target in targets.items():
        optional = key in ("request", "needs")
        if not (optional and target is None) and not (isinstance(target, str) and _TARGET.fullmatch(target)):
            raise UserError(f"{key} of {whose} must be package.module:name, got {target!r}")
