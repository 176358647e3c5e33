"""Settings of a verb: a pydantic model filled from its defaults, then a file, then flags."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from becalm.errors import Location, UserError, sentence, unknown
from becalm_apps.cli.flags import Flag, flags
from becalm_apps.fields.nested import Nested, nested, spell_out

_NOTHING = object()


@dataclass(frozen=True)
class Form:
    """A model and its flags.

    Attributes:
        domain: The domain that the settings belong to; a file may name it.
        section, flat, taken: As for ``flags``.
        defaults: Where the verb's defaults differ from the model's.
    """

    domain: str
    model: type[BaseModel]
    section: Callable[[str], str]
    flat: Collection[str] = ()
    taken: Collection[str] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def flags(self) -> list[Flag]:
        """The flags."""
        return flags(self.model, section=self.section, flat=self.flat, taken=self.taken, defaults=self.defaults)

    def fill(self, given: Mapping[Flag, Any], file: Mapping[str, Any], source: Path | None) -> BaseModel:
        """The settings.

        Args:
            given: Flags on the command line, with their text.
            file: What ``source``, a config file, holds.

        Raises:
            UserError: If a key is unknown or a value is not valid.
        """
        spelled = spell_out(self.model, file)
        table = {**self.defaults, **spelled}
        if "domain" not in self.model.model_fields and table.pop("domain", self.domain) != self.domain:
            raise UserError(f"{source} holds settings of domain {file['domain']!r}, not {self.domain!r}")
        self._check_types(spelled, source)
        try:
            # A flag that chooses a kind comes before those that set its fields.
            for flag in sorted(given, key=lambda flag: len(flag.path)):
                self._set(table, flag, given[flag])
            self._leave_out(table, {flag.path: flag for flag in given}, spelled)
            return self.model.model_validate(table)
        except ValidationError as error:
            raise self._explain(error, {flag.path: flag for flag in given}, spelled, source) from error

    def _check_types(self, file: Mapping[str, Any], source: Path | None) -> None:
        """Refuses text where a file should hold a number or a truth value, and a truth value for a number."""
        for flag in self.flags:
            kinds = set(flag.field.kinds)
            if flag.field.nested is not None or flag.field.raw or not kinds or not kinds <= {int, float, bool}:
                continue
            value = _at(file, flag.path)
            if isinstance(value, str) or (isinstance(value, bool) and bool not in kinds):
                wanted = "number" if float in kinds else "integer" if int in kinds else "boolean"
                raise UserError(f"{source}: {'.'.join(flag.path)} must be a valid {wanted}, got {value!r}")

    def table(self, settings: BaseModel) -> dict[str, Any]:
        """The settings as a config file holds them."""
        return {"domain": self.domain, **settings.model_dump(mode="json")}

    def _set(self, table: dict[str, Any], flag: Flag, text: Any) -> None:
        """Puts one flag's value into the table, in place."""
        kinds: Nested | None
        model, usual = self.model, dict[str, Any]()
        for depth, key in enumerate(flag.path[:-1]):
            kinds = nested(model.model_fields[key])
            if kinds is None:
                raise TypeError(f"{'.'.join(flag.path[: depth + 1])} holds no settings")
            # What the default around says of this field, rather than the field's own.
            usual = usual[key] if isinstance(usual.get(key), dict) else kinds.default()
            try:
                table[key] = kinds.table(table[key]) if key in table else dict(usual)
            except ValidationError as error:
                raise _of_flag(flag, error) from error
            table = table[key]
            self._name_kind({**usual, **table}, table, kinds, flag, depth)
            if kinds.tag is not None and table.get(kinds.tag, usual.get(kinds.tag)) != usual.get(kinds.tag):
                usual = {}
            model = kinds.choose({**usual, **table}, flag.path[depth + 1])
        key, kinds = flag.path[-1], flag.field.nested
        if kinds is None:
            table[key] = flag.read(text)
            return
        try:
            chosen = kinds.table(text)
        except ValidationError as error:
            raise _of_flag(flag, error) from error
        before = table.get(key)
        # Naming the kind that a file has already chosen keeps the file's settings of it.
        same = isinstance(before, Mapping) and kinds.tag is not None and chosen == {kinds.tag: before.get(kinds.tag)}
        table[key] = before if same else chosen

    def _leave_out(self, table: dict[str, Any], given: Mapping[tuple[str, ...], Flag], file: Mapping[str, Any]) -> None:
        """Takes out the defaults whose place a flag takes (``Settings.instead``), in place."""
        for path, flag in given.items():
            instead: Mapping[str, str] = getattr(flag.field.within[-1], "instead", {})
            other = (*path[:-1], instead.get(path[-1], path[-1]))
            if other in given or _holds(file, other):
                continue
            inner = table
            for key in path[:-1]:
                inner = inner[key]
            inner.pop(other[-1], None)

    def _name_kind(
        self, known: Mapping[str, Any], table: dict[str, Any], kinds: Nested, flag: Flag, depth: int
    ) -> None:
        """Names the kind whose option a flag is, where nothing has named one: there must be only one that has it."""
        if kinds.tag is None or kinds.tag in known:
            return
        names = [name for name, model in kinds.models.items() if flag.path[depth + 1] in model.model_fields]
        if len(names) > 1:
            raise UserError(f"{flag.shown} is an option of {', '.join(names)}: name one by --{flag.path[depth]}")
        table[kinds.tag] = names[0]

    def _explain(
        self, error: ValidationError, given: Mapping[Location, Flag], file: Mapping[str, Any], source: Path | None
    ) -> UserError:
        names = {flag.path: flag.shown for flag in self.flags}

        def name(location: Location) -> str:
            path = self._locate(location)
            if path in given:
                return given[path].shown
            if _holds(file, path):
                return f"{source}: {'.'.join(path)}"
            return names.get(path, ".".join(path))

        for detail in error.errors(include_url=False):
            if detail["type"] == "extra_forbidden":
                path = self._locate(detail["loc"])
                # Of an option of an option that is not there, the outer one is complained of.
                flag = next((given[below] for below in given if below[: len(path)] == path), None)
                if flag is not None:
                    kind = path[-2] if len(path) > 1 else self.domain
                    return UserError(f"{flag.shown} is no setting of the {kind} chosen")
                return UserError(f"{source}: {self._unknown(path, self._model_at(path[:-1], file))}")
        return UserError(sentence(error, name))

    def _unknown(self, path: tuple[str, ...], model: type[BaseModel]) -> UserError:
        elsewhere = [flag.path for flag in self.flags if flag.path[-1] == path[-1]]
        if elsewhere:
            return UserError(f"unknown key {'.'.join(path)!r}; did you mean {'.'.join(elsewhere[0])!r}?")
        return unknown("key", ".".join(path), [".".join((*path[:-1], key)) for key in model.model_fields])

    def _locate(self, location: Location) -> tuple[str, ...]:
        """A pydantic location as a path of keys, without the tags of unions; open kinds have none there."""
        path: list[str] = []
        kinds: Nested | None = None
        model: type[BaseModel] | None = self.model
        for part in location:
            if kinds is not None and part in kinds.models:
                model, kinds = kinds.models[str(part)], None
                continue
            if kinds is not None:
                model = kinds.choose({}, str(part)) if kinds.has(str(part)) else self.model
            if model is None or not isinstance(part, str):
                continue
            path.append(part)
            field = model.model_fields.get(part)
            kinds = nested(field) if field is not None else None
            model = kinds.models[""] if kinds is not None and kinds.tag is None else None
            kinds = kinds if model is None else None
        return tuple(path)

    def _model_at(self, path: tuple[str, ...], table: Mapping[str, Any]) -> type[BaseModel]:
        """The model that a table of settings chooses at a path of keys."""
        model: type[BaseModel] = self.model
        for key in path:
            kinds = nested(model.model_fields[key]) if key in model.model_fields else None
            table = table.get(key, {})
            inner = kinds.model({**kinds.default(), **table}) if kinds is not None else None
            model = inner if inner is not None else model
        return model


def _of_flag(flag: Flag, error: ValidationError) -> UserError:
    """A complaint about what one flag names."""
    return UserError(sentence(error, lambda _: flag.shown))


def _holds(table: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    return bool(path) and _at(table, path) is not _NOTHING


def _at(table: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """What stands in a table of tables at a path of keys."""
    value: Any = table
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return _NOTHING
        value = value[key]
    return value
