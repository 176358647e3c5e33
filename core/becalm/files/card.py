"""What a checkpoint says of itself to strangers: data, licence, figures. It stands in the checkpoint's header.

    {"domain": ..., "settings": ..., "card": {"title": "digits", "licence": "MIT", "figures": {"FID": 0.96}}}

Imports no torch.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from becalm.errors import UserError, sentence

_CONFIG = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class FigureTable(BaseModel):
    """Rows of figures under named columns."""

    model_config = _CONFIG
    title: str = ""
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | bool | None, ...], ...]


class Card(BaseModel):
    """A model card, as far as no header knows it anyway."""

    model_config = _CONFIG
    title: str | None = Field(None, description="What the model is called.")
    note: str | None = Field(None, description="A paragraph on what it is for and what it is not.")
    licence: str | None = Field(None, description="SPDX identifier, such as MIT or CC-BY-4.0.")
    data: str | None = Field(None, description="What it was trained on, and where that comes from.")
    figures: dict[str, float] = Field({}, description="How good it is, by name.")
    judged: str | None = Field(None, description="How the figures came to be.")
    tables: tuple[FigureTable, ...] = Field((), description="Figures that need a table.")


def card(config: Mapping[str, Any]) -> Card:
    """The card in a checkpoint's configuration; an empty one if there is none.

    Raises:
        UserError: If it is not valid.
    """
    try:
        return Card.model_validate(config.get("card", {}))
    except ValidationError as error:
        raise UserError(f"the checkpoint's card is not valid: {sentence(error)}") from error


def carded(config: Mapping[str, Any], new: Card) -> dict[str, Any]:
    """The configuration with a card."""
    return {**config, "card": new.model_dump(mode="json", exclude_defaults=True)}
