"""A pydantic model as the entries of a page's form, without a word of how they are drawn; and what was entered as the
model. What is left empty is left out, so that the model's own default stands.
"""

import inspect
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined

from becalm.errors import Location, UserError, sentence
from becalm.plugin.widget import Folder, Sketch, Slider, Upload, Weights
from becalm.request import SampleRequest
from becalm_apps.fields.field import Field, describe

Marker = Slider | Upload | Sketch | Weights | Folder
_FRONT = ("count", "seed", "sampler", "steps", "guidance")
_FEW = 1000
"""Numbers between bounds that far apart or less are slid."""


class Kind(Enum):
    """How a field is entered."""

    CHECK = "check"
    CHOICE = "choice"
    SLIDER = "slider"
    NUMBER = "number"
    TEXT = "text"
    UPLOAD = "upload"
    SKETCH = "sketch"
    WEIGHTS = "weights"
    FOLDER = "folder"


_MARKED: dict[type[Marker], Kind] = {
    Slider: Kind.SLIDER,
    Upload: Kind.UPLOAD,
    Sketch: Kind.SKETCH,
    Weights: Kind.WEIGHTS,
    Folder: Kind.FOLDER,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A field on a page.

    Attributes:
        default: What stands there at first; None for nothing.
        choices: What is chosen from, of kind CHOICE.
        aside: Whether it stands with what is seldom needed.
        free: Whether the choices are what a model knows, and other text may be entered.
    """

    field: Field
    kind: Kind
    default: Any
    choices: tuple[str, ...] = ()
    aside: bool = False
    free: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Its keys, from the outermost model inwards."""
        return self.field.path

    @property
    def marker(self) -> Marker | None:
        """What says how it looks, if something does."""
        return self.field.marker(*_MARKED)

    @property
    def open(self) -> bool:
        """Whether other text than the choices may be entered."""
        return self.free or (
            bool(self.field.words) and any(get_origin(kind) is not Literal for kind in self.field.kinds)
        )

    @property
    def whole(self) -> bool:
        """Whether a number is an integer."""
        return int in self.field.kinds and float not in self.field.kinds

    @property
    def slider(self) -> Slider:
        """Bounds and step, of kind SLIDER."""
        low, high = self.field.bounds
        slider = self.field.marker(Slider) or Slider(0.0 if low is None else low, 1.0 if high is None else high)
        return replace(slider, step=slider.step or (1 if self.whole else (slider.high - slider.low) / 100))


def entries(model: type[BaseModel]) -> list[Entry]:
    """The entries of a model, those that stand aside last; a model within it stands with its own fields."""
    return sorted(_entries(model), key=lambda entry: entry.aside)


def _entries(model: type[BaseModel], around: Field | None = None) -> Iterator[Entry]:
    base = SampleRequest.model_fields if issubclass(model, SampleRequest) else {}
    fields = describe(model, around, around.defaults if around is not None else None)
    for field in sorted(fields, key=lambda field: _rank(model, field.path[-1], base)):
        if field.nested is not None and not field.nested.by_word:
            yield from _entries(field.nested.models[""], field)
            continue
        yield _entry(field, aside=field.path[-1] in base and field.path[-1] not in _FRONT)
        if is_choice(field):
            yield from _options(field)


def is_choice(field: Field) -> bool:
    """Whether a field is one of several kinds, which a page chooses by name."""
    return field.nested is not None and field.nested.tag is not None and not field.nested.named


def _options(field: Field) -> Iterator[Entry]:
    """What the kinds at a field can be set to, left empty at first: what is not entered is the kind's own default."""
    options: dict[str, tuple[Field, list[str]]] = {}
    for name, model in field.nested.models.items() if field.nested is not None else ():
        for option in describe(model, field):
            if option.path[-1] != "kind":
                options.setdefault(option.path[-1], (option, []))[1].append(name)
    for option, names in options.values():
        text = f"{', '.join(names)}: {option.text}"
        words = ("", *option.words) if option.words else ()
        yield Entry(replace(option, text=text), Kind.CHOICE if words else Kind.TEXT, None, words, aside=True)


def _rank(model: type[BaseModel], key: str, base: Collection[str]) -> tuple[bool, int]:
    """What is the panel's own comes first, then what is the domain's, then what is asked of every domain."""
    if key in base:
        return True, _FRONT.index(key) if key in _FRONT else len(_FRONT)
    return False, next(depth for depth, kind in enumerate(model.__mro__) if key in inspect.get_annotations(kind))


def _entry(field: Field, *, aside: bool) -> Entry:
    marker = field.marker(*_MARKED)
    kind = _MARKED[type(marker)] if marker is not None else _kind(field)
    choices: tuple[str, ...] = ()
    if kind is Kind.CHOICE:
        empty = ("",) if field.optional or field.default is None else ()
        choices = (*empty, *(field.words or ("yes", "no")))
    default = None if field.default is PydanticUndefined else field.default
    if is_choice(field):
        default = field.defaults.get("kind")
    shown = default if kind in (Kind.CHECK, Kind.SLIDER, Kind.NUMBER) else as_text(default)
    return Entry(field, kind, shown, choices, aside)


def _kind(field: Field) -> Kind:
    if field.kinds == [bool]:
        return Kind.CHOICE if field.optional else Kind.CHECK
    if (field.nested is None and field.words) or is_choice(field):
        return Kind.CHOICE
    if field.kinds == [Path]:
        return Kind.UPLOAD
    # Sliders and boxes of numbers always hold a value, so a number that may be left out is text.
    if all(kind in (int, float) for kind in field.kinds) and not field.optional:
        low, high = field.bounds
        few = low is not None and high is not None and high - low <= _FEW
        return Kind.SLIDER if few else Kind.NUMBER
    return Kind.TEXT


def as_text(value: Any) -> str | None:
    """A value as it stands in a box of text; None for nothing."""
    if value is None:
        return None
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    if isinstance(value, list | tuple):
        return ",".join(str(part) for part in value)
    return str(value)


def fill(model: type[BaseModel], form: Sequence[Entry], values: Sequence[Any]) -> BaseModel:
    """The model with what was entered, one value per entry.

    Raises:
        UserError: If a value does not fit, in the words of the command line.
    """
    table: dict[str, Any] = {}
    by_path = {entry.path: entry for entry in form}
    for entry, value in zip(form, values, strict=True):
        if value is None or value == "":
            continue
        if is_choice(entry.field) and value == entry.default:
            continue  # The default may have settings of its own.
        inner = table
        for depth, key in enumerate(entry.path[:-1], 1):
            around = by_path.get(entry.path[:depth])
            inner = inner.setdefault(key, dict(around.field.defaults) if around is not None else {})
        inner[entry.path[-1]] = read(entry, value)
    labels = {entry.path: entry.field.label for entry in form}

    def name(location: Location) -> str:
        path = tuple(str(part) for part in location)
        known = next((labels[path[:size]] for size in range(len(path), 0, -1) if path[:size] in labels), None)
        return known if known is not None else ".".join(path[-1:])

    try:
        filled = model.model_validate(table)
    except ValidationError as error:
        raise UserError(sentence(error, name)) from error
    for entry, value in zip(form, values, strict=True):
        _check_reach(entry, value)
    return filled


def _check_reach(entry: Entry, value: Any) -> None:
    """Refuses a number that its slider does not reach: a page has less to spare than a command may ask for."""
    if entry.kind is not Kind.SLIDER or value is None:
        return
    low, high = entry.slider.low, entry.slider.high
    if not low <= float(value) <= high:
        raise UserError(f"{entry.field.label} must be from {low:g} to {high:g} here, got {value!r}")


def read(entry: Entry, value: Any) -> Any:
    """What was entered, as the value that pydantic validates.

    Raises:
        UserError: If a file has another ending than is taken, or text is not the table that it should be.
    """
    if entry.kind is Kind.UPLOAD:
        suffixes = entry.marker.suffixes if isinstance(entry.marker, Upload) else ()
        name = Path(str(value)).name
        if suffixes and not name.lower().endswith(suffixes):
            raise UserError(f"{name} must end in one of {', '.join(suffixes)}")
        return str(value)
    if isinstance(value, float) and entry.whole and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    if is_choice(entry.field) and not value.lstrip().startswith("{"):
        return {"kind": value}
    if entry.field.nested is not None:
        return _json(entry, value)
    if entry.field.kinds == [bool]:
        return {"yes": True, "no": False}.get(value, value)
    return entry.field.read(value)


def _json(entry: Entry, text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        label = entry.field.label
        raise UserError(f"{label} must be a table of settings as JSON, got {text!r}: {error}") from error
