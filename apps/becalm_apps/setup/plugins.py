"""``becalm plugins``: what is installed, what it brings, what is broken; and a plugin of one's own to start from."""

import json
import shlex
from pathlib import Path
from typing import Any

import click

from becalm.plugin.find import Plugin, installed
from becalm_apps.cli import common
from becalm_apps.cli.lazy_group import LazyCommand, LazyGroup, epilog
from becalm_apps.cli.table import table
from becalm_apps.new import package

_SUMMARY = "The installed plugins: version, domains, and the error of those that are broken."
_NEW = "Write a working plugin, to install and to make your own."
_PARAMS = [common.file("--out", "Where to.  [default: becalm-NAME]", metavar="DIR"), common.quiet()]
_EXAMPLES = ("becalm plugins new ring", "becalm plugins new sand-dunes --out dunes")


def _list(ctx: click.Context, as_json: bool) -> None:
    if ctx.invoked_subcommand is not None:
        return
    plugins = installed()
    if as_json:
        click.echo(json.dumps([_row(plugin) for plugin in plugins], indent=2))
        return
    rows = [
        (row["name"], f"{row['distribution']} {row['version']}", ", ".join(row["domains"]), row["error"] or "ok")
        for row in map(_row, plugins)
    ]
    click.echo(table(("plugin", "from", "domains", "state"), rows), nl=False)


def _row(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "domains": [ref.name for ref in plugin.domains],
        "commands": [f"{ref.domain} {ref.name}" for ref in plugin.commands],
        "pretrained": [name for ref in plugin.domains for name in ref.pretrained],
        "error": plugin.error,
    }


@click.command("new", short_help=_NEW, epilog=epilog(_EXAMPLES), params=_PARAMS)
@click.argument("name")
def _new(name: str, out: Path | None, quiet: bool) -> None:
    """Writes a plugin that works as it is: a package with a domain NAME, its network, its request and its tests.

    The data are points on a circle, the constraint is a wall. Put your own in their place.
    """
    folder = Path(f"becalm-{name}") if out is None else out
    package.write(name, folder)
    if not quiet:
        click.echo(f"{folder}: a plugin with the domain {name}. Next:")
        for line in package.NEXT:
            click.echo("  " + line.format(name=name, folder=shlex.quote(str(folder))))


_new.examples = _EXAMPLES  # type: ignore[attr-defined] # as Verb and LazyGroup have them

command = LazyGroup(
    "plugins",
    _SUMMARY,
    {"new": LazyCommand("Commands", _NEW, lambda: _new)},
    alone=_list,
    own=[common.as_json()],
    examples=("becalm plugins", "becalm plugins --json", _EXAMPLES[0]),
)
