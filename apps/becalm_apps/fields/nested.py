"""The models that may stand at a field: one, or one of several told apart by a tag."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from becalm.plugin.kinds import is_open
from becalm.plugin.kinds import kinds as open_kinds
from becalm.plugin.settings import Settings, rename
from becalm_apps.fields.annotation import members


@dataclass(frozen=True, slots=True)
class Nested:
    """The models that may stand at a field.

    Attributes:
        models: By tag; one model under the empty tag if the field is no union.
        tag: The key that tells them apart, or None.
        named: Whether the field reads names of its own, such as presets, beside the tags.
        upgrade: Makes a table of settings of an earlier version one of this version.
    """

    models: Mapping[str, type[BaseModel]]
    tag: str | None
    named: bool
    field: FieldInfo
    upgrade: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict

    def shallow(self) -> "Nested":
        """The same choice without the fields of what is chosen, for where these would never end."""
        return replace(self, models=dict.fromkeys(self.models, BaseModel))

    @property
    def by_word(self) -> bool:
        """Whether a word, a tag or a name, stands for one of them."""
        return self.tag is not None or self.named

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
        # Pydantic keeps an annotation and its validators apart.
        annotation: Any = Annotated[self.field.annotation, *self.field.metadata]
        return dict(TypeAdapter(annotation).validate_python(value).model_dump(mode="json"))

    def default(self) -> dict[str, Any]:
        """The field's default as a table; empty if it has none."""
        value = self.field.get_default(call_default_factory=True, validated_data={})
        return {} if value is None or value is PydanticUndefined else self.table(value)

    def choose(self, table: Mapping[str, Any], key: str) -> type[BaseModel]:
        """The model that a table chooses; where its tag says nothing, or something wrong, the first with the key."""
        known = self.model(table)
        if known is not None and key in known.model_fields:
            return known
        return next(model for model in self.models.values() if key in model.model_fields)

    def has(self, key: str) -> bool:
        """Whether any of the models has a field of that name."""
        return any(key in model.model_fields for model in self.models.values())

    def spell_out(self, value: Any) -> Any:
        """A value out of a file with what it abbreviates spelled out, as far as that can be understood."""
        if self.tag is not None and isinstance(value, str) and value in self.models:
            return {self.tag: value}
        if not isinstance(value, Mapping):
            return value
        value = self.upgrade(value)
        # A table without a tag is of the kind that stands there by default.
        known = self.model({**self.default(), **value})
        return spell_out(known, value) if known is not None else value

    def model(self, table: Mapping[str, Any]) -> type[BaseModel] | None:
        """The model that a table's tag names, if it does."""
        return self.models.get("" if self.tag is None else str(table.get(self.tag)))


def nested(field: FieldInfo) -> Nested | None:
    """The models at a field, or None if it holds a plain value. Nothing else asks what may stand at a field."""
    kinds = members(field.annotation)
    named = any(isinstance(entry, BeforeValidator) for entry in field.metadata)
    if len(kinds) == 1 and is_open(kinds[0]):
        return Nested(open_kinds(kinds[0]), "kind", named, field, kinds[0].upgrade)
    if not kinds or not all(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds):
        return None
    tag = field.discriminator if isinstance(field.discriminator, str) else None
    if tag is None:
        return Nested({"": kinds[0]}, None, named, field) if len(kinds) == 1 else None
    models = {str(value): kind for kind in kinds for value in get_args(kind.model_fields[tag].annotation)}
    return Nested(models, tag, named, field)


def spell_out(model: type[BaseModel], table: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a file with fields under their names of today, and bare tags, as in ``schedule = "cosine"``, as
    tables.
    """
    table = rename(model, table) if issubclass(model, Settings) else table
    spelled: dict[str, Any] = {}
    for key, value in table.items():
        kinds = nested(model.model_fields[key]) if key in model.model_fields else None
        spelled[key] = value if kinds is None else kinds.spell_out(value)
    return spelled
