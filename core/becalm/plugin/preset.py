"""Settings by name: a field that reads ``"unet-small"`` as well as the table of sizes that it stands for."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, BeforeValidator

from becalm.errors import unknown


def preset(what: str, presets: Callable[[], Mapping[str, BaseModel]]) -> BeforeValidator:
    """A validator for ``Annotated``: a name stands for its preset; a table may name the ``preset`` that it changes.

    Args:
        what: What the presets are, for the error.
        presets: By name; called when a value is read, so that the field may be declared before them.
    """

    def read(value: Any) -> Any:
        if isinstance(value, str):
            value = {"preset": value}
        if isinstance(value, dict) and "preset" in value:
            name, rest = str(value["preset"]), {key: entry for key, entry in value.items() if key != "preset"}
            known = presets()
            if name not in known:
                raise unknown(what, name, known)
            return {**known[name].model_dump(), **rest}
        return value

    return BeforeValidator(read, json_schema_input_type=str | dict[str, Any])
