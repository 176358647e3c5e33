"""Entries of a form as gradio's components."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import gradio as gr

from becalm.errors import UserError
from becalm.plugin.hooks import DomainRef
from becalm_apps.studio.ui import sketch
from becalm_apps.studio.ui.entry import Entry, Kind
from becalm_apps.tracking.manifest import read_header

_SMALL = (Kind.NUMBER, Kind.CHOICE, Kind.CHECK, Kind.TEXT)
_RUNS = Path("runs")
_UNCHECKED = (*_SMALL, Kind.SLIDER, Kind.WEIGHTS)


def checkpoints(ref: DomainRef) -> list[str]:
    """The models to choose from: the pretrained ones, and the files in ``runs``, newest first."""
    files = [path for path in _RUNS.glob("*.safetensors") if not path.name.endswith(".resume.safetensors")]
    files = [path for path in files if _domain(path) == ref.name]
    return [*ref.pretrained, *(str(path) for path in sorted(files, key=lambda path: -path.stat().st_mtime))]


def _domain(path: Path) -> str | None:
    """The domain that a file's header names; None if it is no checkpoint."""
    try:
        config = read_header(path)["config"]
    except UserError:
        return None
    return config.get("domain") if "objective" in config else None


def form(ref: DomainRef, panel: str, entries: Sequence[Entry], *, shared: bool = False) -> dict[tuple[str, ...], Any]:
    """Draws the entries, those that are seldom needed folded away; their components by path.

    What is entered comes as it is sent: the model says what fits, in its own words.

    Args:
        panel: What the page calls the panel; names of the components begin with it.
        shared: Whether only models that are listed may be chosen.
    """
    components: dict[tuple[str, ...], Any] = {}
    shown = [entry for entry in entries if entry.kind is not Kind.FOLDER]
    front, aside = [entry for entry in shown if not entry.aside], [entry for entry in shown if entry.aside]
    _rows(ref, panel, front, components)
    if aside:
        with gr.Accordion("More settings", open=False):
            _rows(ref, panel, aside, components)
    for entry in shown:
        part = components[entry.path]
        if entry.kind in _UNCHECKED:
            part.preprocess = _as_sent
        if entry.kind is Kind.WEIGHTS and shared:
            part.allow_custom_value = False
    return components


def _as_sent(value: Any) -> Any:
    return value


def _rows(ref: DomainRef, panel: str, entries: Sequence[Entry], components: dict[tuple[str, ...], Any]) -> None:
    for small, group in groupby(entries, key=lambda entry: entry.kind in _SMALL):
        if small:
            with gr.Row():
                components |= {entry.path: _component(ref, panel, entry) for entry in group}
        else:
            components |= {entry.path: _component(ref, panel, entry) for entry in group}


def _component(ref: DomainRef, panel: str, entry: Entry) -> Any:
    name = f"field-{panel}-{'-'.join(entry.path)}"
    if entry.kind is Kind.SKETCH:
        return sketch.canvas(entry.marker, entry.field.text, name)  # type: ignore[arg-type] # the kind says it
    label, text = entry.field.label, entry.field.text
    common: dict[str, Any] = {"label": label, "info": text, "interactive": True, "elem_id": name}
    if entry.kind is Kind.WEIGHTS:
        return gr.Dropdown(checkpoints(ref), value=entry.default, allow_custom_value=True, **common)
    if entry.kind is Kind.UPLOAD:
        suffixes = getattr(entry.marker, "suffixes", ())
        ends = f" ({', '.join(suffixes)})" if suffixes else ""
        return gr.File(label=f"{label}{ends}", type="filepath", height=110, interactive=True, elem_id=name)
    if entry.kind is Kind.SLIDER:
        slider = entry.slider
        # The page takes the nearest end for a number beyond.
        common["info"] = f"{text} From {slider.low:g} to {slider.high:g} here."
        return gr.Slider(slider.low, slider.high, value=entry.default, step=slider.step, **common)
    common["min_width"] = 150
    if entry.kind is Kind.CHECK:
        return gr.Checkbox(value=entry.default, **common)
    if entry.kind is Kind.CHOICE:
        return gr.Dropdown(list(entry.choices), value=entry.default or "", allow_custom_value=entry.open, **common)
    if entry.kind is Kind.NUMBER:
        return gr.Number(value=entry.default, precision=0 if entry.whole else None, **common)
    return gr.Textbox(value=entry.default or "", **common)
