"""What a pydantic field asks of a flag: which text stands for which value, and which tables lie below it."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from becalm.plugin.report import Positional


@dataclass(frozen=True, slots=True)
class Nested:
    """The models that may stand at a field.

    Attributes:
        models: By tag; one model under the empty tag if the field is no union.
        tag: The key that tells them apart, or None.
        named: Whether the field reads names of its own, such as presets, beside the tags.
    """

    models: Mapping[str, type[BaseModel]]
    tag: str | None
    named: bool
    field: FieldInfo

    def table(self, value: Any) -> dict[str, Any]:
        """A value of the field as a table of settings: a tag or a name of its own becomes the settings it stands for.

        Raises:
            ValidationError: If the name is unknown.
        """
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json")
        if isinstance(value, Mapping):
            return dict(value)
        if self.tag is not None and (value in self.models or not self.named):
            return {self.tag: value}
        adapter: TypeAdapter[Any] = TypeAdapter(_annotated(self.field))
        return dict(adapter.validate_python(value).model_dump(mode="json"))

    def default(self) -> dict[str, Any]:
        """The field's default as a table; empty if it has none."""
        value = self.field.get_default(call_default_factory=True, validated_data={})
        return {} if value is None or value is PydanticUndefined else self.table(value)


def nested(field: FieldInfo) -> Nested | None:
    """The models at a field, or None if it holds a plain value."""
    kinds = members(field.annotation)
    if not kinds or not all(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds):
        return None
    tag = field.discriminator if isinstance(field.discriminator, str) else None
    if tag is None:
        return Nested({"": kinds[0]}, None, reads_text(field), field) if len(kinds) == 1 else None
    models = {str(value): kind for kind in kinds for value in get_args(kind.model_fields[tag].annotation)}
    return Nested(models, tag, reads_text(field), field)


def members(annotation: Any) -> list[Any]:
    """The parts of a union but None; of anything else, itself."""
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for kind in get_args(annotation) for part in members(kind) if kind is not type(None)]
    return [annotation]


def reads_text(field: FieldInfo) -> bool:
    """Whether the field has a validator of its own that sees text before pydantic does."""
    return any(isinstance(entry, BeforeValidator) for entry in field.metadata)


def reader(annotation: Any) -> Callable[[str], Any]:
    """What turns text of the command line into the value that pydantic validates.

    Text that fits nothing is left as it is, for pydantic to complain about.
    """
    kinds = members(annotation)
    words = {str(word): word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)}
    lists = [kind for kind in kinds if _is_sequence(kind)]
    numbers = [kind for kind in kinds if kind in (int, float)]
    texts = [kind for kind in kinds if kind in (str, Path)]

    def read(text: str) -> Any:
        if text in words:
            return words[text]
        if lists:
            entry = reader(next(iter(get_args(lists[0])), str))
            return [entry(part.strip()) for part in text.split(",")] if text else []
        return _number(text) if numbers and not texts else text

    return read


def entries(annotation: Any) -> Callable[[Sequence[str]], list[Any]]:
    """What turns the words of a list that has no flag into the value that pydantic validates."""
    kind = next(kind for kind in members(annotation) if _is_sequence(kind))
    entry = reader(next(iter(get_args(kind)), str))
    return lambda texts: [entry(text) for text in texts]


def is_list(annotation: Any) -> bool:
    """Whether a field holds several values."""
    return any(_is_sequence(kind) for kind in members(annotation))


def is_positional(field: FieldInfo) -> bool:
    """Whether a field stands on the command line without a flag."""
    return any(isinstance(entry, Positional) for entry in field.metadata)


def metavar(annotation: Any) -> str:
    """What stands for the value in a help text."""
    names = []
    for kind in members(annotation):
        origin = get_origin(kind) or kind
        if origin is Literal:
            names += [str(word) for word in get_args(kind)]
        elif origin in (list, tuple, set, frozenset):
            names.append(f"{metavar(next(iter(get_args(kind)), str))},...")
        else:
            names.append({int: "INT", float: "FLOAT", Path: "FILE", str: "TEXT"}.get(origin, "VALUE"))
    return "|".join(dict.fromkeys(names))


def words(annotation: Any) -> list[str]:
    """The words that a value is chosen from, for completion."""
    return [str(word) for kind in members(annotation) if get_origin(kind) is Literal for word in get_args(kind)]


def bounds(field: FieldInfo) -> str:
    """The range of a number, as in ``1<=x<=10``, or nothing."""
    found = {name: getattr(entry, name) for entry in field.metadata for name in _BOUNDS if hasattr(entry, name)}
    # A bound that only keeps integers within 64 bits says nothing to a reader.
    found = {name: bound for name, bound in found.items() if not isinstance(bound, int) or abs(bound) < 2**53}
    low, high = found.get("ge", found.get("gt")), found.get("le", found.get("lt"))
    below, above = "<=" if "ge" in found else "<", "<=" if "le" in found else "<"
    if low is not None and high is not None:
        return f"{low:g}{below}x{above}{high:g}"
    if low is not None:
        return f"x{below.replace('<', '>')}{low:g}"
    return f"x{above}{high:g}" if high is not None else ""


def _is_sequence(kind: Any) -> bool:
    return (get_origin(kind) or kind) in (list, tuple, set, frozenset)


def _annotated(field: FieldInfo) -> Any:
    """The field's annotation with its validators, which pydantic keeps apart."""
    return Annotated[field.annotation, *field.metadata]


_BOUNDS = ("ge", "gt", "le", "lt")


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
