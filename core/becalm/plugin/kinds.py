"""Open kinds: settings that are told apart by ``kind``, and to which a plugin or a notebook adds its own.

A room has a base, such as ``Sampler``, and any number of kinds below it. A field that is typed by the base takes any of
them: an object, its table of settings, or its bare name.

    class Spiral(Sampler):
        kind: Literal["spiral"] = "spiral"
        turns: float = Field(1.0, gt=0, description="How often it goes round.")
        ...

    becalm.register(Spiral)              in a notebook; a plugin names it by the hook ``kinds()`` instead

Imports no torch.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, SerializationInfo, ValidationError
from pydantic._internal._model_construction import ModelMetaclass
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from becalm.errors import Location, UserError, nearest, sentence, shown
from becalm.plugin.settings import Settings

K = TypeVar("K", bound="type[Kind]")
_KNOWN: dict[str, dict[str, type["Kind"]]] = {}


class _Meta(ModelMetaclass):
    """Calling the base of a room makes the kind that its settings mean."""

    def __call__(cls: Any, *args: Any, **settings: Any) -> Any:  # noqa: N805 (a metaclass)
        if "kind" in cls.model_fields or not cls.usual:
            return super().__call__(*args, **settings)
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise UserError(sentence(error, known=partial(keys, cls))) from error


class Kind(Settings, metaclass=_Meta):
    """A member of a room, or the room's base, which has no field ``kind``.

    Class attributes:
        room: What the kinds are called, such as ``sampler``.
        usual: The kind that a table of settings without one means; empty if it must name one.
    """

    room: ClassVar[str] = ""
    usual: ClassVar[str] = ""

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Settings by name, or in the order of the fields.

        Raises:
            UserError: If one is unknown or out of range.
        """
        names = [name for name in type(self).model_fields if name != "kind"]
        try:
            super().__init__(**dict(zip(names, args, strict=False)), **settings)
        except ValidationError as error:
            raise UserError(sentence(error, known=partial(keys, type(self)))) from error

    # To pydantic this is its own __init__: what it validates itself stays a ValidationError, with its place.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def upgrade(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """A table of settings of an earlier version as one of this version; a base may know how."""
        return settings

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if "kind" in cls.model_fields or not cls.room:
            return handler(source)
        dump = core_schema.plain_serializer_function_ser_schema(_dump, info_arg=True)
        return core_schema.no_info_plain_validator_function(partial(_read, cls), serialization=dump)

    @property
    def name(self) -> str:
        """The kind."""
        return str(getattr(self, "kind", ""))


def register(kind: K) -> K:
    """Makes a kind known by its name in this process; a decorator, too. Doing it anew replaces the one before.

    Raises:
        UserError: If it is no kind, or becalm itself or another module has one of that name.
    """
    fields: dict[str, FieldInfo] = getattr(kind, "model_fields", {})
    name = fields["kind"].default if "kind" in fields else None
    if not isinstance(name, str):
        raise UserError(f"a kind is a subclass of a room's base with kind: Literal[...] = ..., got {kind!r}")
    room = _KNOWN.setdefault(kind.room, {})
    before = room.get(name)
    if before is not None and (before.__module__, before.__qualname__) != (kind.__module__, kind.__qualname__):
        raise UserError(f"{kind.room} {name!r} is already {before.__module__}.{before.__qualname__}")
    room[name] = kind
    return kind


def kinds(base: type[Kind]) -> dict[str, type[Kind]]:
    """All kinds of a room by name: those of this process, then those of installed plugins."""
    return {**dict(_offered(base.room)), **_KNOWN.get(base.room, {})}


def keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that settings may have where one of them stands: of open kinds, those of all kinds of the room.

    Args:
        location: Of the key, from the outermost model inwards.
    """
    models = [model]
    for part in location[:-1]:
        fields = [inner.model_fields[str(part)] for inner in models if str(part) in inner.model_fields]
        models = [inner for field in fields for inner in _models(field.annotation)]
    return [name for inner in models for name in (*inner.model_fields, *getattr(inner, "renamed", ()))]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, and for an open kind all kinds of its room."""
    if is_open(annotation):
        yield from kinds(annotation).values()
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def is_open(kind: object) -> bool:
    """Whether something is the base of a room, at whose place any of its kinds may stand."""
    return isinstance(kind, type) and issubclass(kind, Kind) and bool(kind.room) and "kind" not in kind.model_fields


def _offered(room: str) -> Iterator[tuple[str, type[Kind]]]:
    from becalm.plugin.find import of_kinds, resolve

    for plugin in of_kinds():
        for ref in plugin.kinds:
            if ref.room == room:
                yield ref.name, resolve(ref.target)


def _one(base: type[Kind], name: object) -> type[Kind]:
    here = _KNOWN.get(base.room, {})
    if isinstance(name, str) and name in here:
        return here[name]
    known = kinds(base)
    if not isinstance(name, str) or name not in known:
        listed = ", ".join(repr(key) for key in sorted(known))
        near = nearest(str(name)[:100], known)
        raise PydanticCustomError(
            "kind", "must be one of {listed}, got {name}{near}", {"listed": listed, "name": shown(name), "near": near}
        )
    return known[name]


def _read(base: type[Kind], value: Any) -> Kind:
    """A kind from an object, a table or a name."""
    if isinstance(value, base):
        return value
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping):
        raise PydanticCustomError("kind", "must be a table of settings, got {value}", {"value": shown(value)})
    value = {**({"kind": base.usual} if base.usual else {}), **base.upgrade(value)}
    if "kind" not in value:
        raise PydanticCustomError("kind", "needs a kind", {})
    return _one(base, value["kind"]).model_validate(value)


def _dump(value: Any, info: SerializationInfo) -> Any:
    return value.model_dump(mode=info.mode) if isinstance(value, Kind) else value
