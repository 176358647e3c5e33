"""The two hooks by which a plugin makes itself known. Both are light: names and targets, no torch.

A distribution declares ``[project.entry-points.becalm] name = "its_package"`` and its package defines the hooks:

    from becalm.hooks import DomainRef, hookimpl

    @hookimpl
    def domains() -> list[DomainRef]: ...
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pluggy

hookspec = pluggy.HookspecMarker("becalm")
hookimpl = pluggy.HookimplMarker("becalm")


@dataclass(frozen=True, slots=True)
class DomainRef:
    """A domain by reference.

    Attributes:
        name: The noun, as in ``becalm NAME sample``.
        summary: One line for the help.
        target: ``package.module:Class`` of the domain.
        pretrained: Checkpoint names to ``package:path/in/package``.
        request: ``package.module:Class`` of its sampling request, if that module imports no torch; makes help quick.
        default: The pretrained checkpoint to use when none is named.
    """

    name: str
    summary: str
    target: str
    pretrained: Mapping[str, str] = field(default_factory=dict)
    request: str | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class CommandRef:
    """A verb that only one domain has, or one that takes the place of a shared verb in the plugin's own domain.

    Attributes:
        domain: The noun it stands under.
        name: The verb.
        summary: One line for the help.
        options: ``package.module:Class``, a pydantic model whose fields are the flags; should import no torch.
        target: ``package.module:function``, called with that model; a generator of lines of text, tables and progress
            (see ``becalm.report``). On Ctrl-C it is closed, so its ``finally`` blocks run.
    """

    domain: str
    name: str
    summary: str
    options: str
    target: str


class Specification:
    """The hooks that becalm calls."""

    @hookspec
    def domains(self) -> list[DomainRef]:
        """The domains that a plugin brings."""
        raise NotImplementedError

    @hookspec
    def commands(self) -> list[CommandRef]:
        """The verbs that it adds to a domain."""
        raise NotImplementedError
