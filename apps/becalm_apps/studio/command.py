"""``becalm studio``: the web page."""

import re
import secrets
from functools import partial
from ipaddress import ip_address
from socket import gethostname

import click

from becalm.errors import UserError
from becalm_apps.cli import common
from becalm_apps.cli.lazy_group import epilog

# What needs no quoting in an address nor in a cookie.
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{8,}")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]")

_HELP = """Opens a web page on this machine: watch models sample, draw, upload, download.

It is served on loopback, for this machine alone, unless --host says otherwise; then visitors need a token.
"""
_EXAMPLES = ("becalm studio", "becalm studio --port 8000", "becalm studio --host 0.0.0.0")


@click.command("studio", help=_HELP, short_help="A web page for all installed domains.", epilog=epilog(_EXAMPLES))
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option(
    "--port", type=common.Whole(0, 65535), default=7860, show_default=True, metavar="INT", help="0 takes a free one."
)
@click.option(
    "--token", metavar="TEXT", help="What visitors must bring; made where --host is not loopback and none is given."
)
@click.option(
    "--allow-host", "hosts", metavar="NAME", multiple=True, help="Answer to this name, too, as behind a proxy; repeat."
)
@click.option("--root-path", default="", metavar="PATH", help="Where a proxy has the page, such as /studio.")
def command(host: str, port: int, token: str | None, hosts: tuple[str, ...], root_path: str) -> None:
    """Opens the page."""
    from becalm_apps.studio.serve import listen, serve

    if root_path and not _PATH.fullmatch(root_path):
        raise UserError(f"--root-path must be a path such as /studio, got {root_path!r}")
    for name in hosts:
        if not _HOST.fullmatch(name):
            raise UserError(f"--allow-host must be a name without scheme and port, such as example.com, got {name!r}")
    if hosts and not _loopback(host):
        raise UserError("--allow-host does nothing where --host is not loopback: there the token lets in")
    if token is None and not _loopback(host):
        token = secrets.token_urlsafe(16)
    if token is not None and not _TOKEN.fullmatch(token):
        raise UserError(f"--token must be at least 8 letters, digits or . _ ~ -, got {token!r}")
    with listen(host, port) as listener:
        address, bound_port = listener.getsockname()[:2]
        # Who listens on every address is found by the machine's name.
        named = gethostname() if ip_address(address).is_unspecified else address
        shown = f"[{named}]" if ":" in named else named
        query = f"?token={token}" if token is not None else ""
        ready = partial(click.echo, f"http://{shown}:{bound_port}/{query}")
        serve(listener, token=token, ready=ready, hosts=hosts, root_path=root_path)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
