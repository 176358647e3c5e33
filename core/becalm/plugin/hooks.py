"""The four hooks by which a plugin makes itself known. All are light: names and targets, no torch.

A distribution declares ``[project.entry-points.becalm] name = "its_package"`` and its package defines the hooks:

    from becalm.plugin.hooks import DomainRef, hookimpl

    @hookimpl
    def domains() -> list[DomainRef]: ...
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pluggy

hookspec = pluggy.HookspecMarker("becalm")
hookimpl = pluggy.HookimplMarker("becalm")

WORDS = frozenset(
    {
        "again",
        "completion",
        "distil",
        "doctor",
        "export",
        "fit-steps",
        "import",
        "plugins",
        "push",
        "runs",
        "show",
        "studio",
    }
)
"""Words of the command line's own, which no domain can have as its name."""


@dataclass(frozen=True, slots=True)
class DomainRef:
    """A domain by reference.

    Attributes:
        name: The noun, as in ``becalm NAME sample``: small letters and digits, parts joined by hyphens.
        summary: One line for the help.
        target: ``package.module:Class`` of the domain.
        pretrained: Checkpoint names to ``package:path/in/package``.
        request: ``package.module:Class`` of its sampling request, if that module imports no torch; makes help quick.
        judged: The same of ``evaluate``, where that asks for more, such as for a judge; a subclass of ``request``.
        default: The pretrained checkpoint to use when none is named.
        needs: ``package.module:function`` that yields a ``Need`` (``becalm.plugin.report``) for each thing outside
            Python packages that the domain uses, such as data or a solver; ``becalm doctor`` calls it. Should import
            no torch.
    """

    name: str
    summary: str
    target: str
    pretrained: Mapping[str, str] = field(default_factory=dict)
    request: str | None = None
    judged: str | None = None
    default: str | None = None
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class CommandRef:
    """A verb that only one domain has, or one that takes the place of a shared verb in the plugin's own domain.

    Attributes:
        domain: The noun it stands under.
        name: The verb.
        summary: One line for the help.
        options: ``package.module:Class``, a pydantic model whose fields are the flags; should import no torch.
        target: ``package.module:function``, called with that model; a generator of lines of text, tables and progress
            (see ``becalm.plugin.report``). On Ctrl-C it is closed, so its ``finally`` blocks run.
        examples: Lines for the end of the help, whole commands.
        again: What Ctrl-C says of going on, such as ``the same command goes on``; nothing if the work begins anew.
        formerly: The names it had; who uses one is told the new one.
    """

    domain: str
    name: str
    summary: str
    options: str
    target: str
    examples: tuple[str, ...] = ()
    again: str = ""
    formerly: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KindRef:
    """A kind by reference: a sampler, a schedule, an objective, ... (see ``becalm.plugin.kinds``).

    Attributes:
        room: What it is one of, such as ``sampler``.
        name: Its ``kind``, the word that flags and files name it by.
        target: ``package.module:Class`` of the kind.
    """

    room: str
    name: str
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

    @hookspec
    def kinds(self) -> list[KindRef]:
        """The samplers, schedules, objectives and others that it adds to those of becalm."""
        raise NotImplementedError

    @hookspec
    def panels(self) -> list[CommandRef]:
        """The panels that it adds to a domain's tab in ``becalm studio``; one named ``sample`` takes the shared one's
        place. They are described as verbs are, and their targets yield the same reports.
        """
        raise NotImplementedError
