"""``becalm runs add``: a training tracked afterwards."""

import io
from contextlib import redirect_stderr

import click

from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.lazy_group import epilog
from becalm_apps.runs import store
from becalm_apps.tracking.uri import redact

SUMMARY = "Track a training afterwards, from its files."
_EXAMPLES = ("becalm runs add runs/mine.safetensors", "becalm runs add mnist")


@click.command("add", short_help=SUMMARY, epilog=epilog(_EXAMPLES), params=[store.tracking_option(), common.as_json()])
@click.argument("checkpoint", metavar="NAME|FILE")
def command(checkpoint: str, tracking: str | None, as_json: bool) -> None:
    """Adds a training from the files that it left, or sends what is missing of one, and registers its checkpoint.

    For trainings that were not tracked, whose store was out of reach, or that come with becalm.
    """
    uri = store.store_uri(tracking)
    with store.mlflow(uri):
        from becalm_apps.tracking.backfill import add

        # MLflow tells what it registers.
        with redirect_stderr(io.StringIO()):
            run_id, model, version = add(uri, checkpoint)
    if as_json:
        print_document({"run": run_id, "model": model, "version": version})
        return
    click.echo(f"run {run_id[:8]}, model {model} version {version}; to serve it:")
    click.echo(
        f"MLFLOW_TRACKING_URI={redact(uri)} mlflow models serve -m models:/{model}/{version} --env-manager local"
    )
