"""``becalm doctor``: what is here, what is missing, and the command that mends it."""

from dataclasses import asdict
from itertools import groupby

import click

from becalm.plugin.find import installed
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.lazy_group import epilog
from becalm_apps.cli.table import table
from becalm_apps.setup.checkup import Finding, findings

EXAMPLES = ("becalm doctor", "becalm doctor --quiet", "becalm doctor --json")


@click.command(
    "doctor",
    short_help="What is installed, what is missing, and what mends it.",
    epilog=epilog(EXAMPLES),
    params=[common.quiet("Only what is missing."), common.as_json()],
)
def command(quiet: bool, as_json: bool) -> None:
    """Prints versions, device, plugins, packages, data and solvers, and the command that mends what is missing.

    Ends with 2 if becalm cannot work as it is, else with 0: what is optional may be missing.
    """
    every = list(findings(installed()))
    broken = any(finding.needed and not finding.good for finding in every)
    shown = [finding for finding in every if not (quiet and finding.good)]
    if as_json:
        print_document({"works": not broken, "findings": [asdict(finding) for finding in shown]})
    elif shown:
        click.echo(_text(shown), nl=False)
    if broken:
        raise click.exceptions.Exit(2)


def _text(shown: list[Finding]) -> str:
    rows: list[tuple[str, str, str]] = []
    for section, group in groupby(shown, key=lambda finding: finding.section):
        for number, finding in enumerate(group):
            what = finding.what if finding.good else f"{finding.what} (!)"
            rows.append(("" if number else section, what, _state(finding)))
    return table(("", "what", "state"), rows)


def _state(finding: Finding) -> str:
    return f"{finding.state}: {finding.mend}" if finding.mend and not finding.good else finding.state
