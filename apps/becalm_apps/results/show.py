"""``becalm show``: how a result was made, as its file says it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from becalm.errors import UserError
from becalm.provenance import Record, read
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.lazy_group import epilog
from becalm_apps.cli.table import table
from becalm_apps.verbs.recipe import command_line

EXAMPLES = ("becalm show samples.png", "becalm show samples.npz --json")


@click.command(
    "show",
    short_help="How a result was made, as its file says it.",
    epilog=epilog(EXAMPLES),
    params=[
        click.Argument(["file"], type=click.Path(path_type=Path)),
        common.as_json("Print the record as JSON."),
    ],
)
def command(file: Path, as_json: bool) -> None:
    """Prints command, checkpoint, versions and all settings of a result that becalm wrote."""
    record = read(file)
    if as_json:
        print_document({"file": str(file), **json.loads(record.text)})
    else:
        click.echo(table(("what", "value"), list(_rows(record))), nl=False)
        line = _line(record, file.name)
        if line is not None:
            click.echo(f"\n{line}")


def _line(record: Record, file: str) -> str | None:
    """The command that makes it; None where there is none, or its plugin is not here."""
    try:
        return command_line(record, file)
    except (UserError, ValidationError):
        return None


def _rows(record: Record) -> Iterator[tuple[str, str]]:
    yield "made by", f"becalm {record.command}" + (" (a panel of the studio)" if record.panel else "")
    if record.checkpoint is not None:
        yield "checkpoint", f"{record.checkpoint.name or 'without a name'} {record.checkpoint.digest}"
    for option, source in record.inputs.items():
        kept = ", kept in this file" if source.content is not None else ""
        yield option, f"{source.name} (SHA-256 {source.digest}{kept})"
    yield from record.versions.items()
    yield "device", record.device
    yield from _flat(record.settings)


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Settings as flags name them; a kind stands as its name."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            if "kind" in value:
                yield f"{before}{name}", str(value["kind"])
            yield from _flat({key: inner for key, inner in value.items() if key != "kind"}, f"{before}{name}.")
        elif value is not None:
            yield f"{before}{name}", ",".join(map(str, value)) if isinstance(value, list) else str(value)
