"""``becalm runs compare``: runs side by side."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from becalm.errors import UserError
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.lazy_group import epilog
from becalm_apps.runs import store
from becalm_apps.cli.table import table

if TYPE_CHECKING:
    from becalm_apps.tracking.listing import TrackedRun

SUMMARY = "Runs side by side: settings that differ, figures."


@click.command(
    "compare",
    short_help=SUMMARY,
    epilog=epilog(("becalm runs compare first second",)),
    params=[store.tracking_option(), common.as_json()],
)
@click.argument("names", metavar="RUN...", nargs=-1)
def command(names: Sequence[str], tracking: str | None, as_json: bool) -> None:
    """Sets runs side by side: the settings that differ, and their figures.

    RUN is a name, of which the newest run is meant, or the beginning of an id.
    """
    from becalm_apps.tracking.listing import find_run

    if len(names) < 2:
        raise UserError(f"compare needs at least 2 runs, got {len(names)}")
    every = store.runs(store.existing_store(tracking))
    runs = [find_run(every, name) for name in names]
    rows = list(_differences(runs))
    if as_json:
        by_run = {run.id: {name: values[number] for name, values in rows} for number, run in enumerate(runs)}
        print_document(by_run)
        return
    heads = ("", *(f"{run.name} {run.id[:8]}" for run in runs))
    click.echo(table(heads, [(name, *(_cell(value) for value in values)) for name, values in rows]), nl=False)


def _differences(runs: "Sequence[TrackedRun]") -> Iterator[tuple[str, list[Any]]]:
    """Settings and versions that differ, then figures: a name with a value per run."""
    for tables in ([run.settings for run in runs], [run.code for run in runs]):
        for name in dict.fromkeys(name for table in tables for name in table):
            values = [table.get(name) for table in tables]
            if len(set(values)) > 1:
                yield name, values
    yield "steps", [run.step for run in runs]
    yield "seconds", [run.seconds for run in runs]
    for name in dict.fromkeys(name for run in runs for name in run.metrics):
        yield name, [run.metrics.get(name) for run in runs]


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
