"""A panel at work: what was entered becomes options, options become a run, its reports become what the page shows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import BaseModel

from becalm.errors import UserError
from becalm.plugins import resolve
from becalm.report import Picture, Report
from becalm_apps.studio.fields import Entry, Kind, fill
from becalm_apps.studio.panel import Panel
from becalm_apps.studio.run import Run, sentence
from becalm_apps.studio.sketch import drawn
from becalm_apps.studio.stage import Stage, url
from becalm_apps.studio.visitors import Visitors

Updates = tuple[Any, ...]
"""For status, picture, words and files."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A panel, its form, and the visitors that use it.

    Attributes:
        model: The options. entries: Their fields.
    """

    panel: Panel
    model: type[BaseModel]
    entries: Sequence[Entry]
    visitors: Visitors

    def options(self, folder: Path, values: Sequence[Any]) -> BaseModel:
        """What was entered, one value per entry but those that the page fills in itself.

        Raises:
            UserError: If it does not fit.
        """
        left = iter(values)
        found: list[Any] = []
        for entry in self.entries:
            if entry.kind is Kind.FOLDER:
                found.append(str(folder))
                continue
            value = next(left)
            if entry.kind is Kind.SKETCH and value:
                value = drawn(entry.marker, str(value), folder / f"{entry.path[-1]}.png")  # type: ignore[arg-type]
            found.append(value)
        return fill(self.model, self.entries, found)

    async def run(self, request: gr.Request, *values: Any) -> AsyncIterator[Updates]:
        """Works, and shows how it goes until it has ended."""
        visitor, stage = str(request.session_hash), Stage()
        folder = self.visitors.folder(visitor)
        yield _shown(stage, "working", new=True)
        try:
            options = self.options(folder, values)
        except UserError as error:
            yield _shown(stage, "failed", error=_named(str(error)))
            return
        run = self.visitors.begin(visitor, self.panel.id, _checked(self.panel, options))
        picture = told = None
        async for news in run.reports():
            stage.add(news)
            fresh = (stage.picture is not picture, stage.told() != told)
            picture, told = stage.picture, stage.told()
            yield _shown(stage, _state(run), picture=fresh[0], told=fresh[1])
        failed = None if run.error is None else _named(run.error)
        # A page that falls behind skips updates, but not the last one, which holds all.
        yield _shown(stage, _state(run), error=failed, picture=True, told=True, files=True)

    def stop(self, request: gr.Request) -> Any:
        """Stops the visitor's run."""
        self.visitors.stop(str(request.session_hash), self.panel.id)
        return gr.Button(interactive=False)

    def grounds(self, entry: Entry) -> Callable[..., Any]:
        """What gives the picture to draw an entry on, as an update of its canvas."""
        marker: Any = entry.marker

        async def ground(request: gr.Request, *values: Any) -> Any:
            def make() -> Picture:
                place = [other.path for other in self.entries if other.kind is not Kind.FOLDER].index(entry.path)
                rest = [None if number == place else value for number, value in enumerate(values)]
                with self.visitors.turns.turn():
                    picture: Picture = resolve(marker.ground)(self.options(folder, rest))
                return picture

            folder = self.visitors.folder(str(request.session_hash))
            try:
                picture = await asyncio.to_thread(make)
                return gr.HTML(ground=url(picture), note=picture.text)
            except Exception as error:
                return gr.HTML(ground="", note=_named(sentence(error)))

        return ground


def _checked(panel: Panel, options: BaseModel) -> Callable[[], Iterator[Report]]:
    return lambda: panel.work(options)


def _state(run: Run) -> str:
    if run.error is not None:
        return "failed"
    if run.finished:
        return "done"
    if run.ended:
        return "stopped"
    if run.stopped:
        return "stopping"
    return "waiting" if run.waits else "working"


def _shown(
    stage: Stage,
    state: str,
    *,
    error: str | None = None,
    picture: bool = False,
    told: bool = False,
    files: bool = False,
    new: bool = False,
) -> Updates:
    """The updates; what has not changed is not sent again."""
    paths = [str(path) for path in stage.paths()]
    return (
        stage.status(state, error=error),
        stage.shown() if picture or new else gr.skip(),
        stage.told() if told or new else gr.skip(),
        gr.File(value=paths or None, visible=bool(paths)) if files or new else gr.skip(),
    )


def _named(said: str) -> str:
    """A sentence without the folders that files of visitors lie in."""
    words = (word if "/" not in word else _short(word) for word in said.split(" "))
    return " ".join(words)


def _short(word: str) -> str:
    import tempfile

    return Path(word).name if tempfile.gettempdir() in word else word
