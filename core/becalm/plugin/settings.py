"""The base of everything that is configuration: a frozen pydantic model that refuses unknown keys, NaN and infinity.

Imports no torch.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


class Settings(BaseModel):
    """Settings: frozen, so that they can be shared and hashed.

    Class attributes:
        renamed: Fields by a name that they had before, or by a short one: files and calls with it are still understood.
            ``{"eta": "sampler.eta"}`` is a field of a field.
        instead: Fields that take the place of another's default: ``{"minutes": "steps"}`` has steps be None where only
            minutes are given.
        moved: Fields that stood here before, each with the command that has it now: its flag is answered
            with that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    renamed: ClassVar[Mapping[str, str]] = {}
    instead: ClassVar[Mapping[str, str]] = {}
    moved: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, value: Any) -> Any:
        table = rename(cls, value)
        return {**table, **replaced(cls, table)} if cls.instead and isinstance(table, Mapping) else table

    def idle(self) -> Mapping[str, str]:
        """Fields that do nothing beside the others as these are, each with where that is so, as in ``where guidance is
        1``. On a command line they are refused.
        """
        return {}


def replaced(model: type[Settings], table: Mapping[str, Any]) -> dict[str, None]:
    """The fields whose place others in a table of settings take, each as None."""
    given = {new: old for new, old in model.instead.items() if table.get(new) is not None}
    return {old: None for old in given.values() if old not in table}


def rename(model: type[Settings], value: Any) -> Any:
    """A table of settings with the old and short names of a model's fields as they are now."""
    if not model.renamed or not isinstance(value, Mapping):
        return value
    table = {key: entry for key, entry in value.items() if key not in model.renamed}
    for old in value.keys() & model.renamed.keys():
        name, _, inner = model.renamed[old].partition(".")
        if inner:
            table[name] = {**_table(table.get(name, model.model_fields[name].default)), inner: value[old]}
        else:
            # Where both stand the old name stays, and is refused as unknown.
            table[old if name in table else name] = value[old]
    return table


def _table(settings: Any) -> dict[str, Any]:
    """Settings as a table: an object, a table, or the bare name of a kind."""
    if isinstance(settings, BaseModel):
        return settings.model_dump()
    if settings is None:
        return {}
    return dict(settings) if isinstance(settings, Mapping) else {"kind": settings}
