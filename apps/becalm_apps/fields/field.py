"""A field of a model, described once for all that is made of it: the flags of a command, the entries of a page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from becalm_apps.fields.annotation import members, reader, words
from becalm_apps.fields.nested import Nested, nested

T = TypeVar("T")
Path = tuple[str, ...]

_BOUNDS = ("ge", "gt", "le", "lt")


@dataclass(frozen=True, slots=True)
class Field:
    """A field.

    Attributes:
        path: Its keys, from the outermost model inwards.
        old: Paths that it had before it, or a field around it, was renamed.
        info: What pydantic knows of it.
        text: What it is.
        default: Its value where nothing is said; PydanticUndefined if there is none, or none that can be shown.
        shorts: Fields of the models at it by a short name, each with the key that stands for it around this field.
        raw: Whether a validator of the model sees its text before pydantic does.
        nested: The models that may stand at it; None for a plain value.
        within: The models that it is a part of, from the outermost inwards.
    """

    path: Path
    old: tuple[Path, ...]
    info: FieldInfo
    text: str
    default: Any
    shorts: Mapping[str, str]
    raw: bool
    nested: Nested | None
    within: tuple[type[BaseModel], ...]

    @property
    def label(self) -> str:
        """What it is called."""
        return self.path[-1].replace("_", " ")

    @property
    def kinds(self) -> list[Any]:
        """The types that it may have, but None."""
        return members(self.info.annotation)

    @property
    def words(self) -> tuple[str, ...]:
        """What it may be chosen from."""
        return tuple(self.nested.models) if self.nested is not None else tuple(words(self.info.annotation))

    @property
    def optional(self) -> bool:
        """Whether it may hold nothing."""
        return type(None) in get_args(self.info.annotation)

    @property
    def defaults(self) -> Mapping[str, Any]:
        """What the fields of the model at this one default to, as far as this one's own default says."""
        if isinstance(self.default, BaseModel):
            return dict(iter(self.default))  # Not by its attribute ``keys``, which may be a field.
        return dict(self.default) if isinstance(self.default, Mapping) else {}

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The least and the largest number, where there is one."""
        bounds = self._bounds()
        return bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))

    @property
    def range(self) -> str:
        """The bounds to read, as in ``1<=x<=10``; nothing where there are none."""
        # A bound that only keeps integers within 64 bits says nothing to a reader.
        wide = {name for name, bound in self._bounds().items() if isinstance(bound, int) and abs(bound) >= 2**53}
        bounds = {name: bound for name, bound in self._bounds().items() if name not in wide}
        low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
        below, above = "<=" if "ge" in bounds else "<", "<=" if "le" in bounds else "<"
        if low is not None and high is not None:
            return f"{low:g}{below}x{above}{high:g}"
        if low is not None:
            return f"x{below.replace('<', '>')}{low:g}"
        return f"x{above}{high:g}" if high is not None else ""

    def marker(self, *kinds: type[T]) -> T | None:
        """The first marker of these types in its annotation."""
        return next((entry for entry in self.info.metadata if isinstance(entry, kinds)), None)

    def read(self, text: str) -> Any:
        """The value that text stands for, as pydantic validates it."""
        return text if self.raw else reader(self.info.annotation)(text)

    def _bounds(self) -> dict[str, Any]:
        return {name: getattr(entry, name) for entry in self.info.metadata for name in _BOUNDS if hasattr(entry, name)}


def describe(
    model: type[BaseModel], around: Field | None = None, defaults: Mapping[str, Any] | None = None
) -> Iterator[Field]:
    """The fields of a model, those of the models at them left out.

    Args:
        around: The field that the model stands at, if it is not the outermost.
        defaults: Defaults that differ from the model's.
    """
    above, above_before = (around.path, around.old) if around is not None else ((), ())
    within = (*(around.within if around is not None else ()), model)
    renamed: Mapping[str, str] = getattr(model, "renamed", {})
    validators = model.__pydantic_decorators__.field_validators.values()
    raw = {key for entry in validators if entry.info.mode == "before" for key in entry.info.fields}
    for key, info in model.model_fields.items():
        names = [key, *(old for old, new in renamed.items() if new == key)]
        paths = [(*path, name) for path in (above, *above_before) for name in names]
        if around is not None and key in around.shorts:
            paths.append((*above[:-1], around.shorts[key]))
        default = info.get_default(call_default_factory=True, validated_data={})
        choice = nested(info)
        if choice is not None and not set(within).isdisjoint(choice.models.values()):
            choice = choice.shallow()  # A sampler made of another sampler.
        yield Field(
            path=paths[0],
            old=tuple(paths[1:]),
            info=info,
            text=info.description or "",
            default=(defaults or {}).get(key, default),
            shorts={new.partition(".")[2]: old for old, new in renamed.items() if new.startswith(f"{key}.")},
            raw=key in raw,
            nested=choice,
            within=within,
        )
