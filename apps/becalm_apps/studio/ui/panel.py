"""What stands in a domain's tab: the sample panel that all share, and the panels that plugins bring."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel

from becalm.plugin.find import Plugin, resolve
from becalm.plugin.hooks import CommandRef, DomainRef
from becalm.plugin.report import Report
from becalm.provenance import Record
from becalm_apps.studio.ui import sample


@dataclass(frozen=True, slots=True)
class Panel:
    """A form and what it runs.

    Attributes:
        options: Makes the model whose fields are the form; may import torch.
        work: The options to reports.
        recipe: Options to the record of what they make; None where no command makes it.
        defaults: A model's name to what it prefers where nothing is said, by path of field.
        words: A model's name to what it knows to be asked for, by path of field.
    """

    domain: str
    name: str
    summary: str
    options: Callable[[], type[BaseModel]]
    work: Callable[[Any], Iterator[Report]]
    defaults: Callable[[str], dict[tuple[str, ...], Any]] | None = None
    words: Callable[[str], dict[tuple[str, ...], tuple[str, ...]]] | None = None
    recipe: Callable[[Any], Record] | None = None

    @property
    def id(self) -> str:
        """Its name on the whole page."""
        return f"{self.domain}-{self.name}"


def panels(ref: DomainRef, plugins: Sequence[Plugin]) -> list[Panel]:
    """The panels of a domain: the shared one first, unless the domain's own plugin brings one of its name."""
    home = next(plugin for plugin in plugins if ref in plugin.domains)
    options, draw, defaults = partial(sample.options, ref), partial(sample.run, ref), partial(sample.defaults, ref)
    recipe, words = partial(sample.recipe, ref), partial(sample.words, ref)
    by_name = {"sample": Panel(ref.name, "sample", sample.SUMMARY, options, draw, defaults, words, recipe)}
    for plugin in sorted(plugins, key=lambda plugin: plugin.distribution != home.distribution):
        for entry in plugin.panels:
            mine = plugin.distribution == home.distribution
            if entry.domain == ref.name and (mine or entry.name not in by_name):
                work = partial(_work, entry)
                by_name[entry.name] = Panel(ref.name, entry.name, entry.summary, partial(resolve, entry.options), work)
    return list(by_name.values())


def _work(entry: CommandRef, options: BaseModel) -> Iterator[Report]:
    reports: Iterator[Report] = resolve(entry.target)(options)
    return reports
