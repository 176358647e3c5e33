"""``becalm plugins``: what is installed, what it brings, and what is broken."""

import json
from typing import Any

import click

from becalm.plugins import Plugin, installed
from becalm_apps.table import table


@click.command("plugins", short_help="The installed plugins.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Lists the installed plugins: version, domains, verbs of their own; the broken ones with their error."""
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
