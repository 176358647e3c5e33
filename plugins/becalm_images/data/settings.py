"""Where images are and how they are read, as configuration. Imports neither torch nor Pillow."""

from collections.abc import Sequence

from pydantic import Field, field_validator, model_validator

from becalm.plugin.settings import Settings

Size = tuple[int, int]
"""Height and width."""

_LARGEST = 4096


class Source(Settings):
    """A folder of images, and how it is read."""

    data: str | None = Field(None, description="Folder of images or idx files; default: MNIST, downloaded once.")
    background: str = Field("white", description="Colour that transparent pixels are composed over: a name or #rrggbb.")
    resize: str | None = Field(
        None, description="Scale every image to this size, such as 32 or 32x48 (height x width), as if it were rubber."
    )
    crop: str | None = Field(
        None, description="Scale every image to cover this size, such as 32 or 32x48, and cut out its middle."
    )
    holdout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Share of the images kept for the test split where the folder has none; default: 0.1, and none of "
        "what is in train/.",
    )

    @field_validator("background")
    @classmethod
    def _check_colour(cls, value: str) -> str:
        from PIL import ImageColor  # Here, so that help texts do not wait for Pillow.

        try:
            ImageColor.getrgb(value)
        except ValueError:
            raise ValueError(f"must be a colour such as white or #808080, got {value!r}") from None
        return value

    @field_validator("resize", "crop", mode="before")
    @classmethod
    def _parse_size(cls, value: object) -> object:
        """Accepts 32, "32", "32x48" and (32, 48), and keeps "32x32"."""
        return None if value is None else "x".join(map(str, parse_size(value)))

    @model_validator(mode="after")
    def _check_one(self) -> "Source":
        if self.resize is not None and self.crop is not None:
            raise ValueError(f"resize and crop exclude each other, got {self.resize} and {self.crop}")
        return self


def parse_size(value: object) -> Size:
    """A size out of 32, "32", "32x48" (height x width) or (32, 48).

    Raises:
        ValueError: If it is none.
    """
    several = isinstance(value, Sequence) and not isinstance(value, str)
    parts = [str(part) for part in value] if several else str(value).lower().split("x")  # type: ignore[attr-defined]
    sides = [int(part) for part in parts if part.strip().isdecimal()]
    if len(sides) != len(parts) or len(sides) not in (1, 2) or not all(0 < side <= _LARGEST for side in sides):
        raise ValueError(f"must be a size such as 32 or 32x48 (height x width), at most {_LARGEST}, got {value!r}")
    return sides[0], sides[-1]
