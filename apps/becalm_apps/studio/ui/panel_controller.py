"""A panel at work: what was entered becomes options, options become a run, its reports become what the page shows."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from pydantic import BaseModel

from becalm.errors import UserError
from becalm.plugin.find import resolve
from becalm.plugin.report import Picture
from becalm_apps.studio.session.run import Run, sentence
from becalm_apps.studio.session.sessions import Visitors
from becalm_apps.studio.ui.entry import Entry, Kind, fill
from becalm_apps.studio.ui.output_view import Stage, url
from becalm_apps.studio.ui.panel import Panel
from becalm_apps.studio.ui.sketch import drawn

Updates = tuple[Any, ...]
"""For status, picture, words, files, the run button, the stop button and the clock."""


@dataclass
class View:
    """What a visitor sees of a run.

    Attributes:
        stage: What the run has reported. picture, told: What of it the page has.
        failed: Why it cannot be shown, if so.
    """

    stage: Stage = field(default_factory=Stage)
    picture: Picture | None = None
    told: str = ""
    failed: str | None = None


@dataclass(frozen=True)
class Desk:
    """A panel, its form, and the visitors that use it.

    Attributes:
        model: The options. entries: Their fields.
    """

    panel: Panel
    model: type[BaseModel]
    entries: Sequence[Entry]
    visitors: Visitors
    _views: WeakKeyDictionary[Run, View] = field(default_factory=WeakKeyDictionary)

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

    def begin(self, request: gr.Request, *values: Any) -> Updates:
        """Begins a run with what was entered."""
        visitor, view = str(request.session_hash), View()
        folder = self.visitors.folder(visitor)
        empty = (view.stage.shown(), "", gr.File(value=None, visible=False))
        try:
            options = self.options(folder, values)
        except UserError as error:
            return (view.stage.status("failed", error=_named(str(error))), *empty, *_controls(working=False))
        run = self.visitors.begin(visitor, self.panel.id, lambda: self.panel.work(options))
        self._views[run] = view
        return (view.stage.status("working"), *empty, *_controls(working=True))

    def look(self, request: gr.Request) -> Updates:
        """What has changed since the page last asked; when it has shown that, it asks again."""
        run = self.visitors.run(str(request.session_hash), self.panel.id)
        view = None if run is None else self._views.get(run)
        if run is None or view is None:
            return (*[gr.skip()] * 4, *_controls(working=False))
        ended = run.ended  # Before the news are taken, so that none come after the end.
        try:
            view.stage.add(run.take())
            shown = gr.skip() if view.stage.picture is view.picture else view.stage.shown()
        except (TypeError, UserError) as error:
            run.stop()
            view.failed, shown = sentence(error), gr.skip()
        told = view.stage.told()
        news = gr.skip() if told == view.told else told
        view.picture, view.told = view.stage.picture, told
        failed = view.failed or run.error
        status = view.stage.status(_state(run, ended), error=None if failed is None else _named(failed))
        if not ended:
            return status, shown, news, *[gr.skip()] * 4
        paths = [str(path) for path in view.stage.paths()]
        return (status, shown, news, gr.File(value=paths or None, visible=bool(paths)), *_controls(working=False))

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


def _state(run: Run, ended: bool) -> str:
    if ended:
        return "done" if run.finished else "stopped"
    if run.stopped:
        return "stopping"
    return "waiting" if run.waits else "working"


def _controls(*, working: bool) -> Updates:
    return gr.Button(interactive=not working), gr.Button(interactive=working), gr.Timer(active=working)


def _named(said: str) -> str:
    """A sentence without the folders that files of visitors lie in."""
    words = (word if "/" not in word else _short(word) for word in said.split(" "))
    return " ".join(words)


def _short(word: str) -> str:
    return Path(word).name if tempfile.gettempdir() in word else word
