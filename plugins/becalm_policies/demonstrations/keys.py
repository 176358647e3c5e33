"""Settings that say which arrays of a file are read, by the names that they have there. Imports no torch."""

from typing import Annotated

from pydantic import Field

from becalm.plugin.settings import Settings


class Keys(Settings):
    """Which arrays of the demonstrations are observed."""

    keys: tuple[str, ...] = Field(
        (), description="Arrays of the file that are observed, side by side; default: the format's own."
    )


ActionKey = Annotated[
    tuple[str, ...],
    Field(description="Arrays of the file that are the action, side by side; default: the format's own."),
]
Subset = Annotated[
    str, Field(description="Part of the episodes that the file names, such as robomimic's train; default: all.")
]
