"""A result that is dropped on a panel: its settings as what stands in the form's entries."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.provenance import Record, read
from becalm_apps.studio.ui.entry import Entry, Kind, as_text, is_choice

KEEP = object()
"""In place of a value: the entry stays as it is."""


def stored(file: Path, domain: str, panel: str) -> Record:
    """The record of a file that this panel can take settings from.

    Raises:
        UserError: If it holds none, or is of another domain or panel.
    """
    made = read(file)
    if (made.domain, made.verb) != (domain, panel):
        raise UserError(f"{file.name} was made by {made.command}, not by {domain} {panel}: drop it there")
    return made


def values(entries: Sequence[Entry], made: Record, folder: Path) -> list[Any]:
    """What stands in each entry, or ``KEEP``.

    Args:
        folder: Where files go that the record holds.
    """
    # The panel that all domains share has the request in a field of its own.
    inner = any(entry.path[0] == "request" and len(entry.path) > 1 for entry in entries)
    table: dict[str, Any] = {"request": made.settings} if inner else dict(made.settings)
    return [_value(entry, table, made, folder) for entry in entries]


def _value(entry: Entry, table: Mapping[str, Any], made: Record, folder: Path) -> Any:
    if entry.kind is Kind.WEIGHTS:
        return made.checkpoint.name if made.checkpoint is not None else KEEP
    if entry.kind is Kind.UPLOAD:
        source = made.inputs.get(entry.path[-1])
        if source is None or source.content is None:
            return None if source is None else KEEP
        place = folder / (Path(source.name).name.strip(".") or "file")
        place.write_bytes(base64.b64decode(source.content))
        return str(place)
    if entry.kind in (Kind.SKETCH, Kind.FOLDER):
        return KEEP  # A drawing cannot be put back on its canvas.
    found = list(_at(table, entry.path))
    if not found:
        # An option of a kind that is not chosen.
        return "" if entry.kind in (Kind.TEXT, Kind.CHOICE) else KEEP
    return _shown(entry, found[0])


def _shown(entry: Entry, value: Any) -> Any:
    if is_choice(entry.field):
        return value.get("kind", "") if isinstance(value, Mapping) else (value or "")
    if entry.kind is Kind.CHOICE and entry.field.kinds == [bool]:
        return {True: "yes", False: "no"}.get(value, "")
    return value if entry.kind in (Kind.CHECK, Kind.SLIDER, Kind.NUMBER) else (as_text(value) or "")


def _at(table: Any, path: tuple[str, ...]) -> Iterator[Any]:
    for key in path:
        if not isinstance(table, Mapping) or key not in table:
            return
        table = table[key]
    yield table
