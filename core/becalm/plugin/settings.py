"""The base of everything that is configuration: a frozen pydantic model that refuses unknown keys, NaN and infinity.

Imports no torch.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


class Settings(BaseModel):
    """Settings: frozen, so that they can be shared and hashed.

    Class attributes:
        renamed: Fields by a name that they had before: files and calls from then are still understood.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    renamed: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, value: Any) -> Any:
        if not cls.renamed or not isinstance(value, Mapping):
            return value
        # Where both stand the old name stays, and is refused as unknown.
        return {key if cls.renamed.get(key, key) in value else cls.renamed.get(key, key): value[key] for key in value}
