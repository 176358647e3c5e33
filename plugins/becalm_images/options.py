"""Flags of the verbs that only images have. Imports no torch."""

from pydantic import BaseModel, ConfigDict, Field

from becalm_images.request import ImageRequest


class EditOptions(ImageRequest):
    """``becalm images edit``."""

    image: str = Field(description="PNG to edit, of the model's size.")
    mask: str | None = Field(
        None,
        description="What to keep: top, bottom, left, right (halves), or a PNG that is white where pixels are kept.",
    )
    start: float = Field(
        1.0, gt=0, le=1, description="Noise time to start from; below 1 the image's outline survives (SDEdit)."
    )
    count: int = Field(8, ge=1, description="How many edits.")
    out: str = Field("edit.png", description="PNG to write: the image, what was kept, the edits.")
    checkpoint: str = Field("mnist", description="Pretrained name or .safetensors file.")
    device: str = Field("auto", description="auto, cpu, cuda.")


class FitOptions(BaseModel):
    """``becalm images train-judge`` and ``train-classifier``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    data: str | None = Field(None, description="Folder with idx files or PNGs; default: MNIST, downloaded once.")
    epochs: int = Field(8, ge=1, description="Passes over the training images.")
    seed: int = Field(0, ge=0, lt=2**31, description="Weights, order, noise.")
    out: str = Field(description="Checkpoint to write, .safetensors.")
