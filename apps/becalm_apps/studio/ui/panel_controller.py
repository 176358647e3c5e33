"""A panel at work: what was entered becomes options, options become a job, its reports become what the page shows."""

import asyncio
import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from pydantic import BaseModel

from becalm.errors import UserError
from becalm.plugin.find import resolve
from becalm.plugin.report import Picture
from becalm_apps.cli.error_boundary import explain
from becalm_apps.studio.session.job import Job
from becalm_apps.studio.session.sessions import Sessions
from becalm_apps.studio.session.uploads import uploaded
from becalm_apps.studio.ui.entry import Entry, Kind, fill
from becalm_apps.studio.ui.output_view import OutputView, data_url
from becalm_apps.studio.ui.panel import Panel
from becalm_apps.studio.ui.sketch import parse_drawing
from becalm_apps.studio.ui.stored import KEEP, stored, values
from becalm_apps.verbs.recipe import command_line, python

Updates = tuple[Any, ...]
"""For status, picture, words, files, the run button, the stop button and the clock."""


@dataclass
class View:
    """What a visitor sees of a job.

    Attributes:
        output: What the job has reported. picture, text: What of it the page has.
        failed: Why it cannot be shown, if so.
    """

    output: OutputView = field(default_factory=OutputView)
    picture: Picture | None = None
    text: str = ""
    failed: str | None = None


@dataclass(frozen=True)
class PanelController:
    """A panel, its form, and the sessions that use it.

    Attributes:
        model: The options. entries: Their fields.
        offered: The models that may be chosen; None for any.
    """

    panel: Panel
    model: type[BaseModel]
    entries: Sequence[Entry]
    sessions: Sessions
    offered: Callable[[], Collection[str]] | None = None
    _views: WeakKeyDictionary[Job, View] = field(default_factory=WeakKeyDictionary)

    def options(self, folder: Path, values: Sequence[Any]) -> BaseModel:
        """What was entered, one value per entry but those that the page fills in itself.

        Raises:
            UserError: If it does not fit.
        """
        left = iter(values)
        entered: list[Any] = []
        for entry in self.entries:
            if entry.kind is Kind.FOLDER:
                entered.append(str(folder))
                continue
            value = next(left)
            self.check(entry, value)
            if entry.kind is Kind.SKETCH and value:
                value = parse_drawing(entry.marker, str(value), folder / f"{entry.path[-1]}.png")  # type: ignore[arg-type]
            if entry.kind is Kind.UPLOAD and value:
                value = uploaded(str(value), self.sessions.uploads)
            entered.append(value)
        return fill(self.model, self.entries, entered)

    def check(self, entry: Entry, value: Any) -> None:
        """Checks that a visitor may choose that model.

        Raises:
            UserError: If not.
        """
        if entry.kind is not Kind.WEIGHTS or not value or self.offered is None:
            return
        if value not in (names := self.offered()):
            raise UserError(f"{entry.field.label} must be one of {', '.join(names) or 'none'} here, got {value!r}")

    def begin(self, request: gr.Request, *values: Any) -> Updates:
        """Begins a job with what was entered."""
        session, view = str(request.session_hash), View()
        folder = self.sessions.folder(session)
        empty = (view.output.picture_html(), "", gr.File(value=None, visible=False))
        try:
            options = self.options(folder, values)
            job = self.sessions.begin(session, self.panel.id, lambda: self.panel.work(options))
        except UserError as error:
            return (view.output.status("failed", error=_without_folders(str(error))), *empty, *_controls(working=False))
        self._views[job] = view
        return (view.output.status("working"), *empty, *_controls(working=True))

    def poll(self, request: gr.Request) -> Updates:
        """What has changed since the page last asked; when it has shown that, it asks again."""
        job = self.sessions.job(str(request.session_hash), self.panel.id)
        view = None if job is None else self._views.get(job)
        if job is None or view is None:
            return (*[gr.skip()] * 4, *_controls(working=False))
        ended = job.ended  # Before the news are taken, so that none come after the end.
        try:
            view.output.add(job.take())
            shown = gr.skip() if view.output.picture is view.picture else view.output.picture_html()
        except (TypeError, UserError) as error:
            job.stop()
            view.failed, shown = explain(error), gr.skip()
        text = view.output.text_html()
        news = gr.skip() if text == view.text else text
        view.picture, view.text = view.output.picture, text
        failed = view.failed or job.error
        status = view.output.status(_state(job, ended), error=None if failed is None else _without_folders(failed))
        if not ended:
            return status, shown, news, *[gr.skip()] * 4
        paths = [str(path) for path in view.output.paths()]
        return (status, shown, news, gr.File(value=paths or None, visible=bool(paths)), *_controls(working=False))

    def recipe(self, request: gr.Request, *entered: Any) -> tuple[str, str]:
        """What was entered as a command and as Python; empty where it does not fit, which the run says."""
        if self.panel.recipe is None:
            return "", ""
        try:
            made = self.panel.recipe(self.options(self._folder(request), entered))
        except UserError:
            return "", ""
        return command_line(made, "samples.png") or "", python(made) or ""

    def load(self, request: gr.Request, file: str | None) -> tuple[Any, ...]:
        """The settings of a result that was dropped: how it went, then an update for each entry that the page shows."""
        shown = [entry for entry in self.entries if entry.kind is not Kind.FOLDER]
        if not file:
            return gr.skip(), *[gr.skip()] * len(shown)
        view = OutputView()
        try:
            made = stored(uploaded(file, self.sessions.uploads), self.panel.domain, self.panel.name)
            entered = values(shown, made, self._folder(request))
        except UserError as error:
            said = _without_folders(str(error))
            return view.status("failed", error=said), *[gr.skip()] * len(shown)
        return view.status("loaded"), *(gr.skip() if value is KEEP else gr.update(value=value) for value in entered)

    def _folder(self, request: gr.Request) -> Path:
        return self.sessions.folder(str(request.session_hash))

    def stop(self, request: gr.Request) -> Any:
        """Stops the visitor's job."""
        self.sessions.stop(str(request.session_hash), self.panel.id)
        return gr.Button(interactive=False)

    def grounds(self, entry: Entry) -> Callable[..., Any]:
        """What gives the picture to draw an entry on, as an update of its canvas."""
        marker: Any = entry.marker

        async def ground(request: gr.Request, *values: Any) -> Any:
            def make() -> Picture:
                place = [other.path for other in self.entries if other.kind is not Kind.FOLDER].index(entry.path)
                rest = [None if number == place else value for number, value in enumerate(values)]
                with self.sessions.lock.hold():
                    picture: Picture = resolve(marker.ground)(self.options(folder, rest))
                return picture

            folder = self.sessions.folder(str(request.session_hash))
            try:
                picture = await asyncio.to_thread(make)
                return gr.HTML(ground=data_url(picture), note=picture.text)
            except Exception as error:
                return gr.HTML(ground="", note=_without_folders(explain(error)))

        return ground


def _state(job: Job, ended: bool) -> str:
    if ended:
        return "done" if job.finished else "stopped"
    if job.stopped:
        return "stopping"
    return "waiting" if job.waits else "working"


def _controls(*, working: bool) -> Updates:
    return gr.Button(interactive=not working), gr.Button(interactive=working), gr.Timer(active=working)


def _without_folders(said: str) -> str:
    """A sentence without the folders that files of visitors lie in."""
    return re.sub(rf"{re.escape(tempfile.gettempdir())}/(?:[^\s/]+/)*", "", said)
