"""A pydantic model as the fields of a form, without a word of how they are drawn; and what was entered as the model.

What is left empty is left out, so that the model's own default stands.
"""

import inspect
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from becalm.errors import Location, UserError, sentence
from becalm.plugin.request import SampleRequest
from becalm.plugin.widget import Folder, Sketch, Slider, Upload, Weights
from becalm_apps.fields.annotation import members, nested, reader

Marker = Slider | Upload | Sketch | Weights | Folder
_MARKERS = (Slider, Upload, Sketch, Weights, Folder)
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


@dataclass(frozen=True, slots=True)
class Entry:
    """One field.

    Attributes:
        path: Its keys, from the outermost model inwards.
        label: What it is called. text: What it is.
        default: What stands there at first; None for nothing.
        marker: What says how it looks, if something does.
        choices: What is chosen from, of kind CHOICE; with other text allowed if ``open`` is true.
        whole: Whether a number is an integer.
        aside: Whether it stands with what is seldom needed.
    """

    path: tuple[str, ...]
    label: str
    text: str
    kind: Kind
    default: Any
    info: FieldInfo
    marker: Marker | None = None
    choices: tuple[str, ...] = ()
    open: bool = False
    whole: bool = False
    aside: bool = False

    @property
    def slid(self) -> Slider:
        """Bounds and step, of kind SLIDER."""
        low, high = bounds(self.info)
        if isinstance(self.marker, Slider):
            found = self.marker
        else:
            found = Slider(0.0 if low is None else low, 1.0 if high is None else high)
        if found.step:
            return found
        return Slider(found.low, found.high, 1 if self.whole else (found.high - found.low) / 100)


def entries(model: type[BaseModel]) -> list[Entry]:
    """The fields of a model; a model within it stands with its own fields, a choice of models as text."""
    return list(_entries(model, (), {}))


def _entries(model: type[BaseModel], above: tuple[str, ...], defaults: Mapping[str, Any]) -> Iterator[Entry]:
    base = SampleRequest.model_fields if issubclass(model, SampleRequest) else {}
    for key in sorted(model.model_fields, key=lambda key: _rank(model, key, base)):
        info = model.model_fields[key]
        default = defaults.get(key, info.get_default(call_default_factory=True, validated_data={}))
        kinds = nested(info)
        if kinds is not None and kinds.tag is None and not kinds.named and len(kinds.models) == 1:
            inner = default.model_dump() if isinstance(default, BaseModel) else {}
            yield from _entries(kinds.models[""], (*above, key), inner)
        else:
            yield _entry((*above, key), info, default, aside=key in base and key not in _FRONT)


def _rank(model: type[BaseModel], key: str, base: Collection[str]) -> tuple[bool, int]:
    """What is the panel's own comes first, then what is the domain's, then what is asked of every domain."""
    if key in base:
        return True, _FRONT.index(key) if key in _FRONT else len(_FRONT)
    return False, next(depth for depth, kind in enumerate(model.__mro__) if key in inspect.get_annotations(kind))


def _entry(path: tuple[str, ...], info: FieldInfo, default: Any, *, aside: bool) -> Entry:
    marker = next((entry for entry in info.metadata if isinstance(entry, _MARKERS)), None)
    kinds = members(info.annotation)
    words = tuple(str(word) for kind in kinds if get_origin(kind) is Literal for word in get_args(kind))
    others = [kind for kind in kinds if get_origin(kind) is not Literal]
    whole = int in kinds and float not in kinds
    kind = _MARKED.get(type(marker)) or _kind(info, kinds, words)
    optional = type(None) in get_args(info.annotation) or default is None
    choices = words if kind is Kind.CHOICE else ()
    if kinds == [bool] and optional:
        choices = ("yes", "no")
    if optional and choices:
        choices = ("", *choices)
    label = path[-1].replace("_", " ")
    text = info.description or ""
    if default is PydanticUndefined:
        default = None
    shown = default if kind in (Kind.CHECK, Kind.SLIDER, Kind.NUMBER) else _text(default)
    return Entry(path, label, text, kind, shown, info, marker, choices, bool(others and words), whole, aside)


_MARKED = {
    Slider: Kind.SLIDER,
    Upload: Kind.UPLOAD,
    Sketch: Kind.SKETCH,
    Weights: Kind.WEIGHTS,
    Folder: Kind.FOLDER,
}


def _kind(info: FieldInfo, kinds: Sequence[Any], words: Sequence[str]) -> Kind:
    if kinds == [bool]:
        return Kind.CHECK if type(None) not in get_args(info.annotation) else Kind.CHOICE
    if words:
        return Kind.CHOICE
    if kinds == [Path]:
        return Kind.UPLOAD
    # Sliders and boxes of numbers always hold a value, so a number that may be left out is text.
    if kinds and all(kind in (int, float) for kind in kinds) and type(None) not in get_args(info.annotation):
        low, high = bounds(info)
        few = low is not None and high is not None and high - low <= _FEW
        return Kind.SLIDER if few else Kind.NUMBER
    return Kind.TEXT


def bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the largest value of a number, where the field says so."""
    found = {name: getattr(entry, name) for entry in info.metadata for name in _BOUNDS if hasattr(entry, name)}
    return found.get("ge", found.get("gt")), found.get("le", found.get("lt"))


_BOUNDS = ("ge", "gt", "le", "lt")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    if isinstance(value, list | tuple):
        return ",".join(str(part) for part in value)
    return str(value)


def fill(model: type[BaseModel], found: Sequence[Entry], values: Sequence[Any]) -> BaseModel:
    """The model with what was entered, one value per entry.

    Raises:
        UserError: If a value does not fit, in the words of the command line.
    """
    table: dict[str, Any] = {}
    for entry, value in zip(found, values, strict=True):
        if value is None or value == "":
            continue
        place = table
        for key in entry.path[:-1]:
            place = place.setdefault(key, {})
        place[entry.path[-1]] = read(entry, value)
    labels = {entry.path: entry.label for entry in found}

    def name(location: Location) -> str:
        path = tuple(str(part) for part in location)
        known = next((labels[path[:size]] for size in range(len(path), 0, -1) if path[:size] in labels), None)
        return known if known is not None else ".".join(path[-1:])

    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise UserError(sentence(error, name)) from error


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
    if members(entry.info.annotation) == [bool]:
        return value if isinstance(value, bool) else {"yes": True, "no": False}.get(value, value)
    if entry.kind is Kind.NUMBER or entry.kind is Kind.SLIDER:
        return int(value) if entry.whole and isinstance(value, float) and value.is_integer() else value
    if not isinstance(value, str):
        return value
    if nested(entry.info) is not None:
        return _json(entry, value)
    return reader(entry.info.annotation)(value)


def _json(entry: Entry, text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{entry.label} must be a table of settings as JSON, got {text!r}: {error}") from error
