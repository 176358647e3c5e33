"""``becalm runs``: the trainings that were tracked, side by side, and MLflow's page on them."""

import io
import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from becalm.errors import UserError
from becalm.plugins import missing
from becalm_apps.nouns import Entry, Nouns, epilog
from becalm_apps.progress import clock
from becalm_apps.table import table
from becalm_apps.tracking.where import DEFAULT, ENVIRONMENT, address, chosen, database, public, reason

if TYPE_CHECKING:
    from becalm_apps.tracking.listing import Tracked

_SUMMARY = "The trainings tracked by MLflow, the newest first."
_SHORT = 8
_COMPARE = "Runs side by side: settings that differ, figures."
_OPEN = "MLflow's page on the runs, on this machine alone."
_ADD = "Track a training afterwards, from its files."
_store_option = click.option("--tracking", metavar="URI", help=f"The store; by default that of train, or {DEFAULT}.")
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _listed(ctx: click.Context, tracking: str | None, as_json: bool, count: int, domain: str | None) -> None:
    if ctx.invoked_subcommand is not None:
        return
    runs = _runs(_store(tracking), count, domain)
    if as_json:
        click.echo(json.dumps([asdict(run) for run in runs], indent=2))
        return
    heads = ("run", "name", "domain", "state", "step", "loss", "trained", "begun", "model")
    click.echo(table(heads, [_row(run) for run in runs]), nl=False)


def _row(run: "Tracked") -> tuple[str, ...]:
    loss = f"{run.metrics['loss']:.4f}" if "loss" in run.metrics else ""
    begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    plain = (run.id[:_SHORT], run.name, run.domain, run.state, str(run.step), loss)
    return (*plain, clock(run.seconds), begun, run.model or "")


@click.command("compare", short_help=_COMPARE, epilog=epilog(("becalm runs compare first second",)))
@click.argument("names", metavar="RUN...", nargs=-1)
@_store_option
@_json_option
def _compare(names: Sequence[str], tracking: str | None, as_json: bool) -> None:
    """Sets runs side by side: the settings that differ, and their figures.

    RUN is a name, of which the newest run is meant, or the beginning of an id.
    """
    from becalm_apps.tracking.listing import find

    if len(names) < 2:
        raise UserError(f"compare needs at least 2 runs, got {len(names)}")
    every = _runs(_store(tracking))
    runs = [find(every, name) for name in names]
    rows = list(_differences(runs))
    if as_json:
        found = {run.id: {name: values[number] for name, values in rows} for number, run in enumerate(runs)}
        click.echo(json.dumps(found, indent=2))
        return
    heads = ("", *(f"{run.name} {run.id[:_SHORT]}" for run in runs))
    click.echo(table(heads, [(name, *(_cell(value) for value in values)) for name, values in rows]), nl=False)


def _differences(runs: "Sequence[Tracked]") -> Iterator[tuple[str, list[Any]]]:
    """Settings and versions that differ, then figures: a name with a value per run."""
    for tables in ([run.settings for run in runs], [run.code for run in runs]):
        for name in dict.fromkeys(name for found in tables for name in found):
            values = [found.get(name) for found in tables]
            if len(set(values)) > 1:
                yield name, values
    yield "steps", [run.step for run in runs]
    yield "seconds", [run.seconds for run in runs]
    for name in dict.fromkeys(name for run in runs for name in run.metrics):
        yield name, [run.metrics.get(name) for run in runs]


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


@click.command("open", short_help=_OPEN, epilog=epilog(("becalm runs open --port 5001",)))
@click.option("--port", type=click.IntRange(0, 65535), default=5000, show_default=True, metavar="INT", help="0: any.")
@_store_option
def _open(tracking: str | None, port: int) -> None:
    """Serves MLflow's page on the runs, on this machine alone, until Ctrl-C."""
    from becalm_apps.tracking.page import HOST, page

    uri = _store(tracking)
    if uri.startswith("http"):
        click.echo(public(uri))
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(f"port {port} cannot be used ({error.strerror}): name another by --port") from error
        port = probe.getsockname()[1]
    # However this is stopped, the server ends with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with page(uri, port) as (where, process):
        click.echo(f"{where}  (Ctrl-C ends it)")
        process.wait()


@click.command(
    "add", short_help=_ADD, epilog=epilog(("becalm runs add runs/mine.safetensors", "becalm runs add mnist"))
)
@click.argument("checkpoint", metavar="NAME|FILE")
@_store_option
@_json_option
def _add(checkpoint: str, tracking: str | None, as_json: bool) -> None:
    """Adds a training from the files that it left, or sends what is missing of one, and registers its checkpoint.

    For trainings that were not tracked, whose store was out of reach, or that come with becalm.
    """
    uri = chosen(tracking) or address(str(DEFAULT))
    with _mlflow(uri):
        from becalm_apps.tracking.later import add

        # MLflow tells what it registers.
        with redirect_stderr(io.StringIO()):
            run_id, model, version = add(uri, checkpoint)
    if as_json:
        click.echo(json.dumps({"run": run_id, "model": model, "version": version}))
        return
    click.echo(f"run {run_id[:_SHORT]}, model {model} version {version}; to serve it:")
    click.echo(
        f"MLFLOW_TRACKING_URI={public(uri)} mlflow models serve -m models:/{model}/{version} --env-manager local"
    )


def _store(tracking: str | None) -> str:
    """The store to read.

    Raises:
        UserError: If it is a file that does not exist.
    """
    uri = chosen(tracking) or address(str(DEFAULT))
    file = database(uri)
    if file is not None and not file.exists():
        raise UserError(
            f"no runs are tracked here, there is no {_near(file)}: train a model, or name a store by --tracking"
        )
    return uri


def _near(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _runs(uri: str, *which: Any) -> "list[Tracked]":
    with _mlflow(uri):
        from becalm_apps.tracking.listing import tracked

        return tracked(uri, *which)


@contextmanager
def _mlflow(uri: str) -> Iterator[None]:
    """MLflow as becalm uses it: it prints nothing, and what it raises is one sentence.

    Raises:
        UserError: If it is not installed or its store does not answer.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError
    except ModuleNotFoundError as error:
        raise UserError(missing("becalm_tracking", error)) from error
    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise UserError(f"{public(uri)} does not answer as a store of MLflow: {reason(error)}") from error


@click.command("list")
@click.option(
    "--count", type=click.IntRange(1), default=20, show_default=True, metavar="INT", help="How many, at most."
)
@click.option("--domain", metavar="NAME", help="Only runs of this domain.")
@_store_option
@_json_option
def _own() -> None:
    """Holds the flags of the group itself."""


_ENTRIES = {
    "compare": Entry("Commands", _COMPARE, lambda: _compare),
    "open": Entry("Commands", _OPEN, lambda: _open),
    "add": Entry("Commands", _ADD, lambda: _add),
}
_EXAMPLES = ("becalm runs", "becalm runs compare first second", "becalm runs open")
command = Nouns("runs", _SUMMARY, _ENTRIES, alone=_listed, own=_own.params, examples=_EXAMPLES)
