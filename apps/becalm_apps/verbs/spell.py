"""Settings as the words of a command line: what a form makes of them is these settings again, but for those that do
nothing beside the others, which a command line refuses.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from becalm.plugin.settings import Settings
from becalm_apps.cli.flags import Flag, Operand
from becalm_apps.cli.form import Form

_NOTHING = object()


def spell(form: Form, settings: BaseModel) -> list[str]:
    """The flags that differ from the defaults, words without a flag first; what no flag can say is left out."""
    table = settings.model_dump(mode="json")
    idle = _idle(settings)
    words = [word for flag in form.flags if flag.path[0] not in idle for word in _words(flag, table)]
    operands = [word for flag in form.flags if isinstance(flag.option, Operand) for word in _operand(flag, table)]
    return [*operands, *words]


def differing(settings: BaseModel) -> dict[str, Any]:
    """The top-level settings that differ from their model's defaults, as plain values."""
    table = settings.model_dump(mode="json")
    fields, idle = type(settings).model_fields, _idle(settings)
    return {name: value for name, value in table.items() if value != _plain(fields[name].default) and name not in idle}


def _idle(settings: BaseModel) -> Mapping[str, str]:
    return settings.idle() if isinstance(settings, Settings) else {}


def _words(flag: Flag, table: Mapping[str, Any]) -> Iterator[str]:
    value = _at(table, flag.path)
    if isinstance(flag.option, Operand) or value is _NOTHING or value is None:
        return
    nested = flag.field.nested
    if nested is not None:
        value = value.get(nested.tag) if isinstance(value, Mapping) else value
    if value == _default(flag, table):
        return
    if isinstance(value, bool):
        yield flag.option.opts[0] if value else flag.option.secondary_opts[0]
        return
    yield from (flag.shown, _text(value))


def _operand(flag: Flag, table: Mapping[str, Any]) -> list[str]:
    value = _at(table, flag.path)
    if value in (None, _NOTHING):
        return []
    return [str(part) for part in value] if isinstance(value, list) else [str(value)]


def _default(flag: Flag, table: Mapping[str, Any]) -> Any:
    """What a flag's setting is where nothing is said: of a kind's option, what the kind that is chosen says."""
    if len(flag.path) == 1 or flag.field.nested is not None:
        return _plain(flag.field.default)
    around = flag.field.within[0].model_fields[flag.path[0]].default
    chosen = _at(table, flag.path[:-1])
    usual = _plain(around)
    if isinstance(usual, Mapping) and isinstance(chosen, Mapping) and usual.get("kind") == chosen.get("kind"):
        return _at(usual, flag.path[1:])
    return _plain(flag.field.info.get_default(call_default_factory=True, validated_data={}))


def _at(table: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(table, Mapping) or key not in table:
            return _NOTHING
        table = table[key]
    return table


def _plain(value: Any) -> Any:
    return _NOTHING if value is PydanticUndefined else to_jsonable_python(value)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value)
    return ",".join(str(part) for part in value) if isinstance(value, list) else str(value)
