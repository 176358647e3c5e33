"""What a training needs beside its domain: schedule, objective, training, with the defaults that the domain prefers.

    schedule, objective, training = settled(Policies, training={"steps": 1000})
    state = begin(domain, schedule, objective, training, device)

A table names what differs, in any of the three sections; in a section that is a choice of kinds, naming a kind means
that kind with its own defaults.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, create_model

from becalm.domain import Domain
from becalm.errors import UserError, nearest, sentence
from becalm.objective.draw import Objective
from becalm.schedule import Cosine, Schedule
from becalm.train.loop import Training

_SCHEDULE: TypeAdapter[Schedule] = TypeAdapter(Schedule)
_SECTIONS = ("schedule", "objective", "training")


def sections(kind: type[Domain[Any]]) -> dict[str, Any]:
    """The sections as fields of a pydantic model: (type, default) by name, the domain's defaults among them.

    Raises:
        UserError: If the domain's defaults are none of these sections, or not valid.
    """
    tables = kind.defaults
    for name in tables:
        if name not in _SECTIONS:
            raise UserError(
                f"{kind.__name__}.defaults has no section {name!r}: known are {', '.join(_SECTIONS)}"
                f"{nearest(name, _SECTIONS)}"
            )
    try:
        schedule = _SCHEDULE.validate_python(tables["schedule"]) if "schedule" in tables else Cosine()
        objective = _defaulting(Objective, tables.get("objective", {}))
        training = _defaulting(Training, tables.get("training", {}))
    except ValidationError as error:
        raise UserError(f"{kind.__name__}.defaults is not valid: {sentence(error)}") from error
    return {
        "schedule": (Schedule, Field(schedule, description="How noise grows with time.")),
        "objective": (objective, objective()),
        "training": (training, training()),
    }


def settled(
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
    fields = sections(kind)
    given = {"schedule": schedule, "objective": objective, "training": training}
    model = create_model("Plan", **fields)
    try:
        plan: Any = model.model_validate(
            {
                name: table.model_dump() if isinstance(table, BaseModel) else table
                for name, table in given.items()
                if table is not None
            }
        )
        return plain(plan.schedule, plan.objective, plan.training)
    except ValidationError as error:
        raise UserError(sentence(error)) from error


def plain(schedule: Schedule, objective: Objective, training: Training) -> tuple[Schedule, Objective, Training]:
    """The sections in becalm's own types, which say the same whatever a domain's defaults are."""
    return (
        schedule,
        Objective.model_validate(objective.model_dump()),
        Training.model_validate(training.model_dump()),
    )


def _defaulting(model: type[BaseModel], table: Mapping[str, Any]) -> type[Any]:
    """The model with other defaults, so that a table of settings which leaves a key out means the domain's."""
    if not table:
        return model
    settings = model.model_validate(table)
    changed: dict[str, Any] = {}
    for name in table:
        field = model.model_fields[name]
        what = Field(description=field.description, discriminator=field.discriminator)
        kind: Any = Annotated[(field.annotation, *field.metadata, what)]
        changed[name] = (kind, getattr(settings, name))
    made: type[Any] = create_model(model.__name__, __base__=model, __doc__=model.__doc__, **changed)
    return made
