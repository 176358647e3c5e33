"""``becalm runs``: the trainings that were tracked, the newest first; and the commands on them."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.lazy_group import LazyCommand, LazyGroup
from becalm_apps.cli.progress import clock
from becalm_apps.runs import add, compare, store
from becalm_apps.runs import ui
from becalm_apps.cli.table import table

if TYPE_CHECKING:
    from becalm_apps.tracking.listing import TrackedRun

_SUMMARY = "The trainings tracked by MLflow, the newest first."


def _listed(ctx: click.Context, tracking: str | None, as_json: bool, count: int, domain: str | None) -> None:
    runs = store.runs(store.existing_store(tracking), count, domain)
    if as_json:
        print_document({"runs": [asdict(run) for run in runs]})
        return
    heads = ("run", "name", "domain", "state", "step", "loss", "trained", "begun", "model")
    click.echo(table(heads, [_row(run) for run in runs]), nl=False)


def _row(run: "TrackedRun") -> tuple[str, ...]:
    loss = f"{run.metrics['loss']:.4f}" if "loss" in run.metrics else ""
    begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    plain = (run.id[:8], run.name, run.domain, run.state, str(run.step), loss)
    return (*plain, clock(run.seconds), begun, run.model or "")


command = LazyGroup(
    "runs",
    _SUMMARY,
    {
        "compare": LazyCommand("Commands", compare.SUMMARY, lambda: compare.command),
        "open": LazyCommand("Commands", ui.SUMMARY, lambda: ui.command),
        "add": LazyCommand("Commands", add.SUMMARY, lambda: add.command),
    },
    alone=_listed,
    own=[
        common.whole("--count", "How many, at most.", default=20, low=1),
        click.Option(["--domain"], metavar="NAME", help="Only runs of this domain."),
        store.tracking_option(),
        common.as_json(),
    ],
    examples=("becalm runs", "becalm runs compare first second", "becalm runs open"),
)
