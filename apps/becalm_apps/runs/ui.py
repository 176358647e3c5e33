"""``becalm runs open``: MLflow's page on the runs."""

import signal
import socket

import click

from becalm.errors import UserError
from becalm_apps.cli import common
from becalm_apps.cli.lazy_group import epilog
from becalm_apps.runs import store
from becalm_apps.tracking.uri import redact

SUMMARY = "MLflow's page on the runs, on this machine alone."


@click.command("open", short_help=SUMMARY, epilog=epilog(("becalm runs open --port 5001",)), params=[store.tracking_option()])
@click.option("--port", type=common.Whole(0, 65535), default=5000, show_default=True, metavar="INT", help="0: any.")
def command(tracking: str | None, port: int) -> None:
    """Serves MLflow's page on the runs, on this machine alone, until Ctrl-C."""
    from becalm_apps.tracking.ui import HOST, serve

    uri = store.existing_store(tracking)
    if uri.startswith("http"):
        click.echo(redact(uri))
        return
    port = _free(HOST, port)
    # However this is stopped, the server ends with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with serve(uri, port) as (where, process):
        click.echo(f"{where}  (Ctrl-C ends it)")
        process.wait()


def _free(host: str, port: int) -> int:
    """The port, or another one for 0.

    Raises:
        UserError: If it cannot be used.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(f"port {port} cannot be used ({error.strerror}): name another by --port") from error
        return int(probe.getsockname()[1])
