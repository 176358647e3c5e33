"""The page: a tab per domain, within it a tab per panel; each a form on the left and its output on the right."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from html import escape
from threading import Timer
from typing import Any

import gradio as gr

from becalm.errors import UserError
from becalm.plugin.find import Plugin
from becalm.plugin.hooks import DomainRef
from becalm_apps.cli.error_boundary import explain
from becalm_apps.studio.session.sessions import Sessions
from becalm_apps.studio.ui.component import checkpoints, form
from becalm_apps.studio.ui.entry import Entry, Kind, entries
from becalm_apps.studio.ui.output_view import frame
from becalm_apps.studio.ui.panel import Panel, panels
from becalm_apps.studio.ui.panel_controller import PanelController

_HEADING = "<h1>becalm studio</h1>"
_TICK = 0.08
"""Seconds between two looks at a run."""
_FORGET = 5.0
"""Seconds after which nothing is known of a visitor who left."""
_KEPT = 100
"""Visitors whose pages gradio remembers; each takes a megabyte. The next event of another makes its page known anew."""


def page(plugins: Sequence[Plugin], sessions: Sessions, *, shared: bool = False) -> gr.Blocks:
    """The page of these plugins.

    Args:
        shared: Whether others than the owner of the machine come, who may name no models but those that are listed.
    """

    def leave(request: gr.Request) -> None:
        session = str(request.session_hash)
        sessions.leave(session)
        # gradio keeps what it knows of a session for an hour, and asks for it once more when this returns.
        forgetting = Timer(_FORGET, _forget, (blocks, session))
        forgetting.daemon = True
        forgetting.start()

    with gr.Blocks(title="becalm studio", analytics_enabled=False, fill_width=True, delete_cache=(600, 3600)) as blocks:
        gr.HTML(_HEADING, elem_classes="heading")
        for plugin in plugins:
            if plugin.error is not None:
                _notice(f"plugin {plugin.name} could not be loaded: {plugin.error}")
        with gr.Tabs():
            for ref in [ref for plugin in plugins for ref in plugin.domains]:
                _domain(ref, plugins, sessions, shared)
        blocks.unload(leave)
    blocks.state_session_capacity = _KEPT
    # gradio asks only of a page that it has launched by itself whether a file that a request names was uploaded.
    blocks.has_launched = True
    return blocks


def _forget(blocks: gr.Blocks, session: str) -> None:
    holder = blocks.state_holder
    with holder.lock:
        holder.session_data.pop(session, None)
        holder.time_last_used.pop(session, None)


def _domain(ref: DomainRef, plugins: Sequence[Plugin], sessions: Sessions, shared: bool) -> None:
    with gr.Tab(ref.name, id=ref.name, elem_id=f"tab-{ref.name}") as tab:
        gr.Markdown(ref.summary)
        with gr.Tabs():
            for number, panel in enumerate(panels(ref, plugins)):
                with gr.Tab(panel.name, id=panel.id, elem_id=f"tab-{panel.id}") as inner:
                    _panel(ref, panel, sessions, [inner, tab] if number == 0 else [inner], shared)


def _panel(ref: DomainRef, panel: Panel, sessions: Sessions, tabs: Sequence[gr.Tab], shared: bool) -> None:
    """Draws a panel; one that cannot be made says why, and the others stand."""
    try:
        model = panel.options()
        form_entries = _with_defaults(panel, entries(model))
    except Exception as error:
        _notice(explain(error))
        return
    offered = partial(checkpoints, ref) if shared else None
    controller = PanelController(panel, model, form_entries, sessions, offered)
    with gr.Row(elem_classes="sides"):
        with gr.Column(scale=2, min_width=320, elem_id=f"form-{panel.id}"):
            gr.Markdown(panel.summary)
            parts = form(ref, panel.id, form_entries, shared=shared)
            dropped = gr.File(
                label="Load settings: drop a result of becalm (.png, .npz, .json, ...)",
                type="filepath",
                height=90,
                elem_id=f"load-{panel.id}",
            )
        with gr.Column(scale=3, min_width=320):
            with gr.Row():
                run = gr.Button("Run", variant="primary", elem_id=f"run-{panel.id}")
                stop = gr.Button("Stop", interactive=False, elem_id=f"stop-{panel.id}")
            status = _html(f"status-{panel.id}")
            picture = _html(f"picture-{panel.id}", "stage", frame("What is drawn appears here: press Run."))
            text = _html(f"told-{panel.id}", "told")
            files = gr.File(
                label="Files", file_count="multiple", interactive=False, visible=False, elem_id=f"files-{panel.id}"
            )
            command, python = _recipes(panel)
    inputs = list(parts.values())
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    # The page asks for news, each time when it has shown the last: what is pushed at a page that is busy, or behind
    # another one, piles up there.
    clock = gr.Timer(_TICK, active=False)
    outputs = [status, picture, text, files, run, stop, clock]
    run.click(controller.begin, inputs, outputs, queue=False, **quiet)
    clock.tick(controller.poll, None, outputs, queue=False, trigger_mode="once", **quiet)
    dropped.upload(controller.load, [dropped], [status, *inputs], queue=False, **quiet)
    if panel.recipe is not None:
        run.click(controller.recipe, inputs, [command, python], queue=False, **quiet)
    stop.click(controller.stop, None, [stop], queue=False, **quiet)
    _grounds(controller, parts, tabs, quiet)
    _models(ref, controller, parts, tabs, quiet)


def _recipes(panel: Panel) -> tuple[gr.Code, gr.Code]:
    """Where the last run stands as a command and as Python, each with a button that copies it."""
    with gr.Accordion("Copy as command or as Python", open=False, visible=panel.recipe is not None):
        command = gr.Code(label="Command", language="shell", interactive=False, elem_id=f"command-{panel.id}")
        python = gr.Code(label="Python", language="python", interactive=False, elem_id=f"python-{panel.id}")
    return command, python


def _grounds(
    controller: PanelController, parts: dict[tuple[str, ...], Any], tabs: Sequence[gr.Tab], quiet: dict[str, Any]
) -> None:
    """Keeps what is drawn on up to date."""
    for entry in controller.entries:
        if entry.kind is not Kind.SKETCH or getattr(entry.marker, "ground", None) is None:
            continue
        make, inputs, canvas = controller.grounds(entry), list(parts.values()), parts[entry.path]
        for tab in tabs:
            tab.select(make, inputs, canvas, trigger_mode="always_last", **quiet)
        for path, part in parts.items():
            if path[-1] in getattr(entry.marker, "after", ()):
                part.change(make, inputs, canvas, trigger_mode="always_last", **quiet)


def _models(
    ref: DomainRef,
    controller: PanelController,
    parts: dict[tuple[str, ...], Any],
    tabs: Sequence[gr.Tab],
    quiet: dict[str, Any],
) -> None:
    """Keeps the list of models up to date, and the form at what the chosen one prefers."""
    for entry in controller.entries:
        if entry.kind is not Kind.WEIGHTS:
            continue
        for tab in tabs:
            tab.select(lambda: gr.Dropdown(choices=checkpoints(ref)), None, parts[entry.path], **quiet)
        if controller.panel.defaults is not None:
            shown = [path for path in parts if path != entry.path]
            prefer = partial(_preferred, controller, entry, shown)
            parts[entry.path].input(prefer, parts[entry.path], [parts[path] for path in shown], **quiet)


def _preferred(
    controller: PanelController, entry: Entry, shown: Sequence[tuple[str, ...]], name: str | None
) -> list[Any]:
    """Updates of the fields shown; what a model says nothing of stays as it is."""
    panel = controller.panel
    values: dict[tuple[str, ...], Any] = {}
    words: dict[tuple[str, ...], tuple[str, ...]] = {}
    try:
        controller.check(entry, name)
        values = panel.defaults(name) if panel.defaults is not None and name else {}
        words = panel.words(name) if panel.words is not None and name else {}
    except UserError as error:
        gr.Warning(str(error))
    listed = {path: gr.update(choices=list(words[path]), value=values.get(path, words[path][0])) for path in words}
    return [listed.get(path, values.get(path, gr.skip())) for path in shown]


def _with_defaults(panel: Panel, form_entries: Sequence[Entry]) -> list[Entry]:
    """The entries with what the default model prefers."""
    name = next((entry.default for entry in form_entries if entry.kind is Kind.WEIGHTS), None)
    if panel.defaults is None or not name:
        return list(form_entries)
    values = panel.defaults(str(name))
    words = panel.words(str(name)) if panel.words is not None else {}
    preferred = [replace(entry, default=values.get(entry.path, entry.default)) for entry in form_entries]
    return [
        replace(entry, kind=Kind.CHOICE, choices=words[entry.path], free=True) if entry.path in words else entry
        for entry in preferred
    ]


def _html(name: str, kind: str = "", content: str = "") -> gr.HTML:
    return gr.HTML(content, elem_id=name, elem_classes=kind, apply_default_css=False)


def _notice(text: str) -> None:
    gr.HTML(f'<div class="status failed" role="alert">{escape(text)}</div>')
