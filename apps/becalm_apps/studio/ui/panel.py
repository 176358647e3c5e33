"""What stands in a domain's tab: the sample panel that all share, and the panels that plugins bring."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel

from becalm.plugin.find import Plugin, resolve
from becalm.plugin.hooks import CommandRef, DomainRef
from becalm.plugin.report import Report
from becalm_apps.studio.ui import sample


@dataclass(frozen=True, slots=True)
class Panel:
    """A form and what it runs.

    Attributes:
        options: Makes the model whose fields are the form; may import torch.
        work: The options to reports.
        defaults: Options to what a trained model prefers where nothing is said, by path of field.
    """

    domain: str
    name: str
    summary: str
    options: Callable[[], type[BaseModel]]
    work: Callable[[Any], Iterator[Report]]
    defaults: Callable[[str], dict[tuple[str, ...], Any]] | None = None

    @property
    def id(self) -> str:
        """Its name on the whole page."""
        return f"{self.domain}-{self.name}"


def panels(ref: DomainRef, plugins: Sequence[Plugin]) -> list[Panel]:
    """The panels of a domain: the shared one first, unless the domain's own plugin brings one of its name."""
    home = next(plugin for plugin in plugins if ref in plugin.domains)
    found = {"sample": shared(ref)}
    for plugin in sorted(plugins, key=lambda plugin: plugin.distribution != home.distribution):
        for entry in plugin.panels:
            mine = plugin.distribution == home.distribution
            if entry.domain == ref.name and (mine or entry.name not in found):
                found[entry.name] = _plugin_panel(entry)
    return list(found.values())


def shared(ref: DomainRef) -> Panel:
    """The sample panel that every domain has."""
    return Panel(
        ref.name, "sample", sample.SUMMARY, partial(sample.options, ref), partial(sample.run, ref),
        defaults=partial(sample.defaults, ref),
    )  # fmt: skip


def _plugin_panel(entry: CommandRef) -> Panel:
    def work(options: Any) -> Iterator[Report]:
        target: Callable[[Any], Iterator[Report]] = resolve(entry.target)
        return target(options)

    return Panel(entry.domain, entry.name, entry.summary, partial(resolve, entry.options), work)
