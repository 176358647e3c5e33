"""A pydantic model as the flags of a command: one per field, dotted below a nested model.

SampleRequest.steps                -> --steps INT
Plan.schedule, a union by kind     -> --schedule cosine, --schedule.offset FLOAT
Plan.training.rate, flat section   -> --rate FLOAT
InspectOptions.file, positional    -> FILE
"""

import pathlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from becalm.plugin.report import Positional
from becalm_apps.cli.words import Words
from becalm_apps.fields.annotation import list_reader, metavar, sequence
from becalm_apps.fields.field import Field, Path, describe


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
        field: What it sets.
        name: Without the dashes; of a word without a flag, what stands for it.
        section: Title that it stands under in the help.
        read: Text to the value that pydantic validates.
        old: The same flag by names that it had before; the help says nothing of them.
    """

    field: Field
    name: str
    section: str
    option: click.Option | Operand
    read: Callable[[Any], Any]
    old: tuple[click.Option, ...] = ()

    @property
    def path(self) -> Path:
        """The key that it sets."""
        return self.field.path

    @property
    def shown(self) -> str:
        """What the user calls it: ``--steps``, ``FILE``."""
        return self.name if isinstance(self.option, Operand) else f"--{self.name}"


def flags(
    model: type[BaseModel],
    *,
    section: Callable[[str], str],
    flat: Collection[str],
    taken: Collection[str],
    defaults: Mapping[str, Any],
) -> list[Flag]:
    """The flags of a model.

    Args:
        section: The title in the help of what is at or below a top-level key.
        flat: Top-level fields whose own fields lose the prefix. Where two of them claim a name, the later section has
            it, and the other's flag is dotted.
        taken: Names that the command has for itself.
        defaults: Defaults that differ from the model's.
    """
    fields = [field for top in describe(model, defaults=defaults) for field in _below(top, flat=top.path[0] in flat)]
    names = _names([field for field in fields if not _is_operand(field)], flat, taken)
    return [_flag(field, names.get(field.path, [""]), section(field.path[0])) for field in fields]


def _names(fields: Sequence[Field], flat: Collection[str], taken: Collection[str]) -> dict[Path, list[str]]:
    """The names of flags: for each path that of today, then those of before that are none of today's."""
    used, names = set(taken), dict[Path, list[str]]()
    for field in reversed(fields):
        short, full = _name(_short(field, field.path, flat)), _name(field.path)
        # The name of a field that is in no section may be taken, too.
        name = next(name for name in (short, full, f"request.{full}") if name not in used)
        used.add(name)
        names[field.path] = [name]
    for field in fields:
        for path in field.old:
            free = [name for name in (_name(_short(field, path, flat)), _name(path)) if name not in used]
            used.update(free[:1])
            names[field.path] += free[:1]
    return names


def _below(field: Field, *, flat: bool = False) -> Iterator[Field]:
    """The fields that flags set at or below a field; one that several models have is one of them.

    Args:
        flat: Whether no note says whose a field is that all models have.
    """
    if field.nested is None:
        yield field
        return
    tag = field.nested.tag
    if field.nested.by_word:
        yield replace(field, default=field.defaults.get(tag or "", PydanticUndefined))
    leaves: dict[Path, list[tuple[str, Field]]] = {}
    for name, model in field.nested.models.items():
        chosen = tag is None or field.defaults.get(tag) == name
        for inner in describe(model, field, field.defaults if chosen else {}):
            for leaf in _below(inner):
                if leaf.path != (*field.path, tag):
                    leaves.setdefault(leaf.path, []).append((name, leaf))
    for same in leaves.values():
        usual = field.defaults.get(tag or "")
        first = next((leaf for name, leaf in same if name == usual), same[0][1])
        plain = tag is None or (flat and len(same) == len(field.nested.models))
        note = "" if plain else f"{', '.join(name for name, _ in same)}: "
        # What several models have may default to several values; then that of the usual one is the default, if any.
        alike = usual in dict(same) or all(leaf.default == first.default for _, leaf in same)
        old = tuple(dict.fromkeys(path for _, leaf in same for path in leaf.old))
        yield replace(first, text=f"{note}{first.text}", default=first.default if alike else PydanticUndefined, old=old)


def _is_operand(field: Field) -> bool:
    return field.nested is None and field.marker(Positional) is not None


def _flag(field: Field, names: Sequence[str], section: str) -> Flag:
    notes = [note for note in (_default(field.default), field.range) if note]
    told = field.text if len(_choices(field)) <= _WIDE else f"{field.text} One of {', '.join(field.words)}."
    text = f"{told}  [{'; '.join(notes)}]" if notes else told
    identifier = "__".join(("set", *field.path))  # click wants a Python identifier
    if _is_operand(field):
        several = sequence(field.info.annotation) is not None
        upper = field.path[-1].upper().replace("_", "-")
        word = Operand(identifier, upper, needed=field.info.is_required(), several=several, text=text)
        return Flag(field, upper, section, word, list_reader(field.info.annotation) if several else field.read)
    switch = field.nested is None and field.kinds == [bool]

    def option(name: str) -> click.Option:
        declared = f"--{name}/--{_off(name)}" if switch else f"--{name}"
        return click.Option([identifier, declared], default=None, help=text, **({} if switch else _values(field)))

    today, *before = map(option, names)
    return Flag(field, names[0], section, today, field.read, tuple(before))


def _values(field: Field) -> dict[str, Any]:
    """What an option says of the values that it takes."""
    files = not field.words and any(kind in (str, pathlib.Path) for kind in field.kinds)
    shown = metavar(field.info.annotation) if field.nested is None else _choices(field)
    if field.nested is not None and len(shown) > _WIDE:
        shown = "KIND"
    return {"type": Words(field.words, files=files), "metavar": shown}


_WIDE = 72
"""Letters of a list of kinds beyond which they stand in a flag's text, where lines are broken."""


def _choices(field: Field) -> str:
    """The kinds that a flag chooses from; empty if it does not."""
    return "" if field.nested is None else "|".join(field.words) + ("|NAME" if field.nested.named else "")


def _short(field: Field, path: Path, flat: Collection[str]) -> Path:
    """A path of a field's, without the section if that goes without saying."""
    return path[1:] if field.path[0] in flat and len(path) > 1 else path


def _name(path: Path) -> str:
    return ".".join(path).replace("_", "-")


def _off(name: str) -> str:
    """The name that turns a switch off."""
    head, dot, tail = name.rpartition(".")
    return f"{head}{dot}no-{tail}"


def _default(value: Any) -> str:
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel | Mapping):
        return ""
    if isinstance(value, list | tuple):
        value = ",".join(str(entry) for entry in value)
    if isinstance(value, bool):
        value = "on" if value else "off"
    return f"default: {value}"
