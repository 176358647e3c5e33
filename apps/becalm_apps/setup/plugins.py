"""``becalm plugins``: what is installed, what it brings, what is broken; and a plugin of one's own to start from."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from becalm.plugin.distribution.declared import dangling
from becalm.plugin.find import Plugin, installed, targets
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.lazy_group import LazyCommand, LazyGroup, epilog
from becalm_apps.cli.table import table
from becalm_apps.new import package

_SUMMARY = "The installed plugins: version, domains, and the error of those that are broken."
_NEW = "Write a working plugin, to install and to make your own."
_PARAMS = [common.file("--out", "Where to.  [default: becalm-NAME]", metavar="DIR"), common.quiet()]
_SLOW = 0.5
"""Seconds that the import of a plugin may take before that is worth a word."""
_EXAMPLES = ("becalm plugins new ring", "becalm plugins new sand-dunes --out dunes")


def _list(ctx: click.Context, as_json: bool, check: bool) -> None:
    plugins = installed()
    if check:
        _check(plugins, ctx.find_root().command, as_json)
        return
    if as_json:
        print_document({"plugins": [_row(plugin) for plugin in plugins]})
        return
    rows = [
        (
            row["name"],
            f"{row['distribution']} {row['version']}",
            ", ".join(row["domains"]),
            row["error"] or _slow(row["seconds"]) or "ok",
        )
        for row in map(_row, plugins)
    ]
    click.echo(table(("plugin", "from", "domains", "state"), rows), nl=False)


def _slow(seconds: float) -> str:
    return f"its import takes {seconds:.1f} s" if seconds > _SLOW else ""


def _check(plugins: Sequence[Plugin], root: click.Command, as_json: bool) -> None:
    """Follows every reference of every plugin; ends with 1 if one leads nowhere."""
    from becalm_apps.setup.references import follow

    found = [reference for plugin in plugins for reference in follow(plugin, root)]
    if as_json:
        print_document({"references": [asdict(reference) for reference in found]})
    else:
        rows = [(one.plugin, one.what, one.target, f"{one.seconds:.2f} s", one.error or "ok") for one in found]
        click.echo(table(("plugin", "reference", "leads to", "took", "state"), rows), nl=False)
    if any(reference.error for reference in found):
        raise click.exceptions.Exit(1)


def _row(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "domains": [ref.name for ref in plugin.domains],
        "commands": [f"{ref.domain} {ref.name}" for ref in plugin.commands],
        "pretrained": [name for ref in plugin.domains for name in ref.pretrained],
        "seconds": plugin.seconds,
        "error": plugin.error or next(filter(None, map(dangling, targets(plugin))), None),
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
    own=[
        common.as_json(),
        click.Option(["--check"], is_flag=True, help="Follow each reference: classes, verbs, networks, examples."),
    ],
    examples=("becalm plugins", "becalm plugins --check", _EXAMPLES[0]),
)
