"""What a run has reported so far, as the page shows it: a picture, how far it is, tables, lines, files."""

import base64
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from becalm.errors import UserError
from becalm.plugin.report import Picture, Progress, Report, Saved, Table
from becalm_apps.cli.progress import clock
from becalm_apps.cli.show import KINDS, cell

_MIME = re.compile(r"(image|video)/[\w.+-]+")
_LINES = 200


@dataclass
class OutputView:
    """Reports, gathered.

    Attributes:
        began: When the run did, on the monotonic clock.
    """

    began: float = field(default_factory=time.monotonic)
    picture: Picture | None = None
    progress: Progress | None = None
    lines: list[str] = field(default_factory=list)
    tables: dict[str, Table] = field(default_factory=dict)
    files: list[Saved] = field(default_factory=list)

    def add(self, reports: Sequence[Report]) -> None:
        """Takes reports in; a table takes the place of one with its title and columns.

        Raises:
            TypeError: If something else comes.
        """
        for report in reports:
            if isinstance(report, Progress):
                self.progress = report
            elif isinstance(report, Picture):
                self.picture = report
            elif isinstance(report, Table):
                self.tables["\0".join((report.title, *report.columns))] = report
            elif isinstance(report, Saved):
                self.files = [*(other for other in self.files if other.path != report.path), report]
            elif isinstance(report, str):
                self.lines = [*self.lines, report][-_LINES:]
            else:
                raise TypeError(f"a panel must yield {KINDS}, got {type(report).__name__}")

    def picture_html(self) -> str:
        """The picture."""
        return frame("" if self.picture is None else figure(self.picture))

    def text_html(self) -> str:
        """Tables and lines."""
        parts = [_table(table) for table in self.tables.values()]
        if self.lines:
            parts.append(f'<div class="lines">{"<br>".join(escape(line) for line in self.lines)}</div>')
        return "".join(parts)

    def paths(self) -> list[Path]:
        """Files to download."""
        return [saved.path for saved in self.files]

    def status(self, state: str, *, error: str | None = None) -> str:
        """How it goes: a bar, and a line.

        Args:
            state: working, waiting, stopping, stopped, done, failed.
        """
        if error is not None:
            return f'<div class="status failed" role="alert" data-began="{self.began}">{escape(error)}</div>'
        seconds = time.monotonic() - self.began
        words = [_WORDS[state].format(clock=clock(seconds))]
        share = 1.0 if state == "done" else 0.0
        if self.progress is not None and state not in ("done", "failed"):
            share = min(max(self.progress.done / self.progress.total, 0.0), 1.0) if self.progress.total > 0 else 0.0
            words.append(f"{self.progress.done:g} of {self.progress.total:g}")
            if self.progress.text:
                words.append(self.progress.text)
        line = escape(" · ".join(words))
        bar = f'<div class="bar"><div style="width: {100 * share:.1f}%"></div></div>'
        return f'<div class="status {state}" role="status" data-began="{self.began}">{bar}<span>{line}</span></div>'


_WORDS = {
    "working": "working, {clock}",
    "waiting": "waiting while another run computes, {clock}",
    "stopping": "stopping",
    "stopped": "stopped after {clock}",
    "done": "done in {clock}",
    "loaded": "the settings of that result stand in the form",
}


def data_url(picture: Picture) -> str:
    """A picture as a data URL.

    Raises:
        UserError: If a page cannot show it.
    """
    if not _MIME.fullmatch(picture.mime):
        raise UserError(f"a page shows pictures and films, not {picture.mime}")
    return f"data:{picture.mime};base64,{base64.b64encode(picture.content).decode('ascii')}"


def frame(content: str) -> str:
    """What stands where the picture does."""
    return f'<div class="frame">{content}</div>'


def figure(picture: Picture) -> str:
    """A picture as HTML."""
    source, text = data_url(picture), escape(picture.text)
    if picture.mime.startswith("video/"):
        shown = f'<video src="{source}" controls autoplay loop muted></video>'
    else:
        shown = f'<img src="{source}" alt="{text or "picture"}">'
    return f"<figure>{shown}{f'<figcaption>{text}</figcaption>' if text else ''}</figure>"


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell(value))}</td>' for value in row)}</tr>" for row in table.rows)
    title = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    return f'<table class="figures">{title}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
