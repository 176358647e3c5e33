"""What a training needs beside its domain: schedule, objective, training, with the defaults that the domain prefers.

    schedule, objective, training = with_defaults(Policies, training={"steps": 1000})
    state = begin(domain, schedule, objective, training, device)

A table names what differs, in any of the three sections. Where a section is a choice of kinds, naming another kind than
the domain's means that kind with its own defaults.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, WrapValidator, create_model

from becalm.domain import Domain
from becalm.errors import UserError, nearest, sentence
from becalm.objective import Objective
from becalm.plugin.kinds import Kind, keys
from becalm.plugin.settings import Settings, rename, replaced
from becalm.schedule import Cosine, Schedule
from becalm.train.settings import Training

_SECTIONS: dict[str, type[Settings]] = {"schedule": Schedule, "objective": Objective, "training": Training}
_TEXTS = {"schedule": "How noise grows with time.", "objective": "What is learnt.", "training": "How it is trained."}


def sections(kind: type[Domain[Any]]) -> dict[str, Any]:
    """The sections as fields of a pydantic model: (type, default) by name, the domain's defaults among them.

    Raises:
        UserError: If the domain's defaults are none of these sections, or not valid.
    """
    for name in kind.defaults:
        if name not in _SECTIONS:
            raise UserError(
                f"{kind.__name__}.defaults has no section {name!r}: known are {', '.join(_SECTIONS)}"
                f"{nearest(name, _SECTIONS)}"
            )
    fields: dict[str, Any] = {}
    for name, section in _SECTIONS.items():
        table = kind.defaults.get(name, {"kind": Cosine().name} if section is Schedule else {})
        try:
            default: Any = TypeAdapter(section).validate_python(table)
        except ValidationError as error:
            raise UserError(f"{kind.__name__}.defaults is not valid: {sentence(error)}") from error
        read = WrapValidator(partial(_over, section, default))
        fields[name] = (Annotated[section, read], Field(default, description=_TEXTS[name]))
    return fields


def _over(section: type[Settings], default: Settings, value: Any, handler: Callable[[Any], Any]) -> Any:
    """A table over the section's default, where it names no other kind."""
    if not isinstance(value, Mapping):
        return handler(value)
    table = rename(section, section.upgrade(value) if issubclass(section, Kind) else value)
    kind = getattr(default, "kind", None)
    if table.get("kind", kind) == kind:
        table = {**default.model_dump(), **replaced(section, table), **table}
    return handler(table)


def with_defaults(
    kind: type[Domain[Any]],
    *,
    schedule: Schedule | Mapping[str, Any] | None = None,
    objective: Objective | Mapping[str, Any] | None = None,
    training: Training | Mapping[str, Any] | None = None,
) -> tuple[Schedule, Objective, Training]:
    """The three sections of a training of this kind of domain: what is given, and its defaults for the rest.

    Raises:
        UserError: If a key is unknown or a value is not valid.
    """
    given = {"schedule": schedule, "objective": objective, "training": training}
    model: type[BaseModel] = create_model("Plan", **sections(kind))
    try:
        plan: Any = model.model_validate({name: table for name, table in given.items() if table is not None})
    except ValidationError as error:
        raise UserError(sentence(error, known=partial(keys, model))) from error
    return plan.schedule, plan.objective, plan.training
