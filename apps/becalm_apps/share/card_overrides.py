"""What ``export`` and ``push`` are asked to say of a checkpoint: their flags, and the card that comes of them."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from becalm.errors import UserError, sentence
from becalm.files import hub
from becalm.files.card import Card, card
from becalm.plugin.find import installed
from becalm.plugin.report import counted
from becalm.version import __version__
from becalm_apps.cli import common
from becalm_apps.cli.lazy_group import epilog

if TYPE_CHECKING:
    from becalm.model import Model

_OPTIONS = (
    click.Option(["--title"], metavar="TEXT", help="What the model is called; default: the checkpoint's name."),
    click.Option(["--note"], metavar="TEXT", help="A paragraph on what it is for and what it is not."),
    click.Option(["--licence"], metavar="SPDX", help="Such as MIT or CC-BY-4.0; becalm's own models bring theirs."),
    click.Option(["--data"], metavar="TEXT", help="What it was trained on, and where that comes from."),
    common.file("--figures", "Figures for the card: what becalm NOUN evaluate --json printed."),
    click.Option(
        ["--evaluate"], type=common.Whole(0), default=0, metavar="INT", help="Judge it now by this many samples."
    ),
    click.Option(["--half"], is_flag=True, help="Store the weights as float16."),
)


@dataclass(frozen=True, slots=True)
class CardOverrides:
    """The flags. None where the checkpoint's own card stays as it is."""

    title: str | None = None
    note: str | None = None
    licence: str | None = None
    data: str | None = None
    figures: Path | None = None
    evaluate: int = 0
    half: bool = False

    @property
    def given(self) -> list[str]:
        """The flags that say something."""
        return [f"--{name}" for name in self.__slots__ if getattr(self, name)]


def card_command(
    name: str,
    run: Callable[..., None],
    *,
    text: str,
    summary: str,
    examples: Sequence[str],
    params: Sequence[click.Parameter],
) -> click.Command:
    """A command of one's own flags, ``--quiet``, ``--json``, and these; it hands these over as ``overrides``."""

    def callback(**values: Any) -> None:
        overrides = CardOverrides(**{str(option.name): values.pop(str(option.name)) for option in _OPTIONS})
        run(overrides=overrides, **values)

    shared = [common.quiet(), common.as_json("Print the summary as JSON."), *_OPTIONS]
    return click.Command(
        name, help=text, short_help=summary, epilog=epilog(examples), params=[*params, *shared], callback=callback
    )


def complete_card(model: "Model[Any]", name: str, overrides: CardOverrides) -> Card:
    """The card of a model: what its header says, what is asked for, and figures, judged now if so asked.

    Args:
        name: The checkpoint's, for a title and the licence of becalm's own models.

    Raises:
        UserError: If a wish is not valid, or the figures cannot be read.
    """
    known = card(model.config)
    facts: dict[str, Any] = {
        "title": overrides.title or known.title or name_of(name),
        "note": overrides.note or known.note,
        "licence": overrides.licence or known.licence or _licence(name),
        "data": overrides.data or known.data or model.domain.trained_on(),
    }
    figures = known.model_dump(include={"figures", "judged", "tables"})
    if overrides.figures is not None:
        figures = _read(overrides.figures)
    if overrides.evaluate:
        figures = {**figures, **_evaluate(model, overrides.evaluate)}
    try:
        return Card.model_validate({**facts, **figures})
    except ValidationError as error:
        raise UserError(f"the card is not valid: {sentence(error)}") from error


def name_of(source: str) -> str:
    """What a checkpoint is called by where it lies: a repository, a folder, or a file that has a name of its own."""
    if hub.named(source):
        return hub.Repository.of(source).name.partition("/")[2]
    path = Path(source).absolute()
    return path.parent.name if path.name == hub.MODEL else path.name.removesuffix(".safetensors")


def _evaluate(model: "Model[Any]", count: int) -> dict[str, Any]:
    request = model.request(count=count)
    samples = model.sample(request)
    figures = {name: float(value) for name, value in model.domain.metrics(samples.data, samples.cond).items()}
    walk = f"{request.sampler.name}, {counted(request.updates, 'step')}, seed {request.seed}"
    how = f"{counted(count, 'sample')}, {walk}, becalm {__version__}"
    return {"figures": {name: value for name, value in figures.items() if math.isfinite(value)}, "judged": how}


def _read(path: Path) -> dict[str, Any]:
    """Figures as ``evaluate --json`` prints them, a domain's own ``evaluate`` among them."""
    try:
        printed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"--figures {path} cannot be read as JSON: {reason}") from error
    if isinstance(printed, Mapping) and isinstance(printed.get("metrics"), Mapping):
        count = printed.get("count")
        return {"figures": printed["metrics"], "judged": counted(count, "sample") if count else None}
    if isinstance(printed, Mapping) and isinstance(printed.get("tables"), list):
        return {"tables": [_table(table) for table in printed["tables"] if isinstance(table, Mapping)]}
    raise UserError(f"--figures {path} holds neither metrics nor tables: write what becalm NOUN evaluate --json prints")


def _table(table: Mapping[str, Any]) -> dict[str, Any]:
    columns, rows = table.get("columns", []), table.get("rows", [])
    try:
        cells = [[row[name] for name in columns] for row in rows]
    except (KeyError, TypeError) as error:
        raise UserError(f"--figures holds a table whose rows do not fit its columns {columns}") from error
    return {"title": table.get("title", ""), "columns": [_words(name) for name in columns], "rows": cells}


def _words(key: object) -> str:
    """A name as it was before it became a key of JSON."""
    return str(key).replace("_", " ")


def _licence(name: str) -> str | None:
    """That of the distribution that brings a pretrained model."""
    for plugin in installed():
        if any(name in ref.pretrained for ref in plugin.domains):
            about = metadata.metadata(plugin.distribution)
            return about["License-Expression"] or about["License"]
    return None
