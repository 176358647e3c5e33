"""A pydantic model as the flags of a command: one per field, dotted below a nested model.

SampleRequest.steps                -> --steps INT
Plan.schedule, a union by kind     -> --schedule cosine, --schedule.offset FLOAT
Plan.training.rate, flat section   -> --rate FLOAT
InspectOptions.file, positional    -> FILE
"""

import pathlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
from click.shell_completion import CompletionItem
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from becalm_apps.fields.annotation import (
    Nested,
    bounds,
    entries,
    is_list,
    is_positional,
    members,
    metavar,
    nested,
    reader,
    words,
)

Path = tuple[str, ...]


class Words(click.ParamType):  # type: ignore[type-arg] # generic from click 8.4 on only
    """Text whose likely values are known, for completion; pydantic alone says what is valid.

    Args:
        files: Whether it may name a file, which is offered where no word fits.
    """

    name = "text"

    def __init__(self, choices: Collection[str] = (), *, files: bool = False) -> None:
        self.choices, self.files = choices, files

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        found = [CompletionItem(word) for word in self.choices if word.startswith(incomplete)]
        return found if found or not self.files else [CompletionItem(incomplete, type="file")]


class Operand(click.Argument):
    """A word that needs no flag. Whether it may be left out is for pydantic to say, since a file may hold it."""

    def __init__(self, identifier: str, name: str, *, needed: bool, several: bool, text: str) -> None:
        dots = "..." if several else ""
        shown = f"{name}{dots}" if needed else f"[{name}]{dots}"
        number = -1 if several else 1
        super().__init__([identifier], required=False, nargs=number, metavar=shown, type=Words(files=True))
        self._record = (shown, text)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        return self._record


@dataclass(frozen=True, slots=True, eq=False)
class Flag:
    """One flag, or a word without one.

    Attributes:
        path: The key that it sets.
        name: Without the dashes; of a word without a flag, what stands for it.
        section: Title that it stands under in the help.
        read: Text to the value that pydantic validates.
        nested: The models that it chooses from, if it does.
    """

    path: Path
    name: str
    section: str
    option: click.Option | Operand
    read: Callable[[Any], Any]
    nested: Nested | None = None

    @property
    def shown(self) -> str:
        """What the user calls it: ``--steps``, ``FILE``."""
        return self.name if isinstance(self.option, Operand) else f"--{self.name}"


@dataclass(frozen=True, slots=True)
class _Leaf:
    path: Path
    flat: int
    field: FieldInfo
    nested: Nested | None
    text: bool
    help: str
    default: Any


def flags(
    model: type[BaseModel],
    *,
    flat: Collection[str] = (),
    taken: Collection[str] = (),
    defaults: Mapping[str, Any] | None = None,
    section: Callable[[str], str] = lambda key: "options",
    prefix: str = "request",
) -> list[Flag]:
    """The flags of a model.

    Args:
        flat: Top-level fields whose own fields lose the prefix. Where two of them claim a name, the later section has
            it, and the other's flag is dotted.
        taken: Names that the command has for itself.
        defaults: Defaults that differ from the model's.
        section: The title in the help of what is at or below a top-level key.
        prefix: Goes before the name of a field whose own name is taken and that is in no section.
    """
    leaves = list(_leaves(model, flat, defaults or {}))
    used, named = set(taken), {}
    for leaf in reversed([leaf for leaf in leaves if not is_positional(leaf.field)]):
        short, full = _name(leaf.path[leaf.flat :]), _name(leaf.path)
        if short in used:
            short = full if full not in used else f"{prefix}.{full}"
        used.add(short)
        named[leaf.path] = short
    return [_flag(leaf, named.get(leaf.path, ""), section(leaf.path[0])) for leaf in leaves]


def _leaves(model: type[BaseModel], flat: Collection[str], defaults: Mapping[str, Any]) -> Iterator[_Leaf]:
    for key, field in model.model_fields.items():
        kinds = nested(field)
        if key in flat and kinds is not None:
            default = field.get_default(call_default_factory=True, validated_data={})
            table = dict(default) if isinstance(default, BaseModel) else {}
            for kind in kinds.models.values():
                yield from _below(kind, (key,), 1, table, "")
        else:
            yield from _field(model, key, (), 0, defaults, "")


def _below(model: type[BaseModel], path: Path, flat: int, defaults: Mapping[str, Any], note: str) -> Iterator[_Leaf]:
    for key in model.model_fields:
        yield from _field(model, key, path, flat, defaults, note)


def _field(
    model: type[BaseModel], key: str, above: Path, flat: int, defaults: Mapping[str, Any], note: str
) -> Iterator[_Leaf]:
    field, path = model.model_fields[key], (*above, key)
    kinds = nested(field)
    default = defaults.get(key, field.get_default(call_default_factory=True, validated_data={}))
    text = _validated_before(model, key)
    description = f"{note}{field.description or ''}"
    if kinds is None:
        yield _Leaf(path, flat, field, None, text, description, default)
        return
    table = default.model_dump(mode="json") if isinstance(default, BaseModel) else {}
    if kinds.tag is not None or kinds.named:
        yield _Leaf(path, flat, field, kinds, True, description, table.get(kinds.tag or "", PydanticUndefined))
    yield from _choices(kinds, path, flat, table)


def _choices(kinds: Nested, path: Path, flat: int, table: Mapping[str, Any]) -> Iterator[_Leaf]:
    """The fields of the models at a path; one that several have is one flag."""
    found: dict[Path, list[tuple[str, _Leaf]]] = {}
    for tag, kind in kinds.models.items():
        chosen = kinds.tag is None or table.get(kinds.tag) == tag
        for leaf in _below(kind, path, flat, table if chosen else {}, ""):
            if leaf.path != (*path, kinds.tag):
                found.setdefault(leaf.path, []).append((tag, leaf))
    for same in found.values():
        tags = ", ".join(tag for tag, _ in same)
        first = same[0][1]
        note = f"{tags}: " if kinds.tag is not None else ""
        # What several models have may default to several values; then none of them is the default.
        default = first.default if all(leaf.default == first.default for _, leaf in same) else PydanticUndefined
        yield _Leaf(first.path, flat, first.field, first.nested, first.text, f"{note}{first.help}", default)


def _flag(leaf: _Leaf, name: str, section: str) -> Flag:
    identifier = "__".join(("set", *leaf.path))  # click wants a Python identifier
    notes = [note for note in (_default(leaf.default), bounds(leaf.field)) if note]
    text = f"{leaf.help}  [{'; '.join(notes)}]" if notes else leaf.help
    if members(leaf.field.annotation) == [bool] and leaf.nested is None:
        head, _, tail = name.rpartition(".")
        off = f"{head}.no-{tail}" if head else f"no-{tail}"
        option = click.Option([identifier, f"--{name}/--{off}"], default=None, help=text)
        return Flag(leaf.path, name, section, option, lambda value: value)
    read = str if leaf.text else reader(leaf.field.annotation)
    if is_positional(leaf.field) and leaf.nested is None:
        several = is_list(leaf.field.annotation)
        upper = leaf.path[-1].upper().replace("_", "-")
        word = Operand(identifier, upper, needed=leaf.field.is_required(), several=several, text=text)
        return Flag(leaf.path, upper, section, word, entries(leaf.field.annotation) if several else read)
    choices = list(leaf.nested.models) if leaf.nested else words(leaf.field.annotation)
    shown = (
        "|".join(choices) + ("|NAME" if leaf.nested.named else "") if leaf.nested else metavar(leaf.field.annotation)
    )
    files = not choices and any(kind in (str, pathlib.Path) for kind in members(leaf.field.annotation))
    option = click.Option([identifier, f"--{name}"], type=Words(choices, files=files), metavar=shown, help=text)
    return Flag(leaf.path, name, section, option, read, leaf.nested)


def _name(path: Path) -> str:
    return ".".join(path).replace("_", "-")


def _default(value: Any) -> str:
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel | Mapping):
        return ""
    if isinstance(value, list | tuple):
        value = ",".join(str(entry) for entry in value)
    if isinstance(value, bool):
        value = "on" if value else "off"
    return f"default: {value}"


def _validated_before(model: type[BaseModel], key: str) -> bool:
    """Whether a validator of the model sees the field's text before pydantic does."""
    found = model.__pydantic_decorators__.field_validators.values()
    return any(entry.info.mode == "before" and key in entry.info.fields for entry in found)
