"""Rows of text: ruled on a terminal, aligned plainly elsewhere, so that other programs can cut them."""

import sys
from collections.abc import Sequence

from becalm_apps.cli.terminal import console


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as it suits stdout."""
    return _ruled(heads, rows) if sys.stdout.isatty() else aligned(heads, rows)


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart, without rules."""
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows))
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _ruled(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    ruled = Table(*heads, box=SIMPLE_HEAD)
    for row in rows:
        ruled.add_row(*(escape(cell) for cell in row))
    screen = console()
    with screen.capture() as capture:
        screen.print(ruled)
    return capture.get()
