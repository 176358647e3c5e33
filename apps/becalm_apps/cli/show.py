"""What a plugin's own verb yields, as its user sees it: text and tables on stdout, progress on stderr."""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import click

from becalm.plugin.report import Picture, Progress, Report, Saved, Table
from becalm_apps.cli.document import key, print_document, scalar
from becalm_apps.cli.progress import Meter
from becalm_apps.cli.table import table

KINDS = "text, Table, Progress, Picture or Saved"
"""What may be reported, for a complaint about something else."""


def show(reports: Iterable[Report], title: str, *, json: bool = False, quiet: bool = False) -> None:
    """Prints reports as they come; whatever ends this, a generator of them is closed.

    Args:
        title: What the progress bar is called.
        json: Print one JSON object at the end instead: ``lines``, and ``tables`` with a record per row.
        quiet: Show no progress.

    Raises:
        TypeError: If something else than text, a table or progress comes.
    """
    lines: list[str] = []
    tables: list[Table] = []
    meter = Meter(title, quiet=quiet)
    with ExitStack() as end:
        end.callback(getattr(reports, "close", lambda: None))
        end.callback(meter.stop)
        for report in reports:
            if isinstance(report, Progress):
                meter.set(report.done, report.total, report.text)
            elif isinstance(report, Table):
                tables.append(report)
            elif isinstance(report, str | Saved):
                lines.append(_line(report))
            elif not isinstance(report, Picture):
                raise TypeError(f"a verb must yield {KINDS}, got {type(report).__name__}")
            # A terminal shows no pictures.
            if not json and not isinstance(report, Progress | Picture):
                with meter.aside():
                    click.echo(_text(report).rstrip("\n") if isinstance(report, Table) else _line(report))
    if json:
        print_document({"lines": lines, "tables": [_record(report) for report in tables]})


def _line(report: str | Saved) -> str:
    if isinstance(report, str):
        return report
    return f"{report.path}: {report.text}" if report.text else str(report.path)


def _text(report: Table) -> str:
    rows = [[cell(value) for value in row] for row in report.rows]
    title = f"{report.title}\n" if report.title else ""
    return title + table(report.columns, rows)


def cell(value: Any) -> str:
    """A cell to read: numbers to four digits, or to the unit where that is more; nothing for None."""
    if value is None:
        return ""
    value = scalar(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def _record(report: Table) -> dict[str, Any]:
    rows = [dict(zip(report.columns, row, strict=True)) for row in report.rows]
    return {"title": report.title, "columns": [key(name) for name in report.columns], "rows": rows}
