"""Flags of the verbs that only images have. Imports no torch."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from becalm.plugin.paths import InputFile, OutputFile
from becalm.plugin.report import Positional
from becalm.plugin.settings import Settings
from becalm.plugin.widget import Folder, Sketch, Slider, Upload, Weights
from becalm_images.data.settings import Source
from becalm_images.request import ImageRequest


class EditOptions(ImageRequest):
    """``becalm images edit``."""

    image: Annotated[str, InputFile()] = Field(description="Image to edit, of the model's size.")
    mask: Annotated[str | None, InputFile()] = Field(
        None,
        description="What to keep: top, bottom, left, right (halves), or an image that is white where pixels are kept.",
    )
    start: float = Field(
        1.0, gt=0, le=1, description="Noise time to start from; below 1 the image's outline survives (SDEdit)."
    )
    count: int = Field(8, ge=1, description="How many edits.")
    out: Annotated[str, OutputFile()] = Field(
        "edit.png", description="PNG to write: the image, what was kept, the edits."
    )
    checkpoint: Annotated[str, Weights()] = Field("mnist", description="Pretrained name or .safetensors file.")
    device: str = Field("auto", description="auto, cpu, cuda.")


class _PanelOptions(ImageRequest):
    checkpoint: Annotated[str, Weights()] = Field("mnist", description="Model of images.")
    count: Annotated[int, Slider(1, 24)] = Field(8, ge=1, description="How many edits.")
    folder: Annotated[str, Folder()] = Field("", description="Where the picture is written.")


class InpaintOptions(_PanelOptions):
    """The panel ``inpaint``."""

    image: Annotated[str | None, Upload((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"))] = Field(
        None, description="Image of the model's size; without one, a sample of the model."
    )
    example: int = Field(7, ge=0, lt=2**31, description="Which sample, without an image.")
    mask: Annotated[
        str | None, Sketch("mask", "becalm_images.verbs.panels:ground", ("checkpoint", "image", "example"))
    ] = Field(None, description="Draw over what should be filled in.")


class RedrawOptions(_PanelOptions):
    """The panel ``redraw``."""

    scribble: Annotated[str | None, Sketch("scribble")] = Field(None, description="Draw something.")
    start: Annotated[float, Slider(0.05, 1)] = Field(
        0.6, gt=0, le=1, description="Noise time to start from: the lower, the more of the drawing survives (SDEdit)."
    )


class FitOptions(Source):
    """What ``becalm images judge`` and ``classifier`` share."""

    instead: ClassVar[Mapping[str, str]] = {"minutes": "epochs"}

    epochs: int | None = Field(
        8, ge=1, description="Passes over the training images; no limit where only minutes are given."
    )
    minutes: float | None = Field(None, gt=0, description="Wall-clock to train for; with epochs too, what ends first.")
    batch: int = Field(128, ge=1, description="Images of a step.")
    seed: int = Field(0, ge=0, lt=2**31, description="Weights, order, noise.")
    out: str = Field(description="Checkpoint to write, .safetensors.")
    device: str = Field("auto", description="auto, cpu, cuda.")


class ClassifierOptions(FitOptions):
    """``becalm images classifier``."""

    match: str | None = Field(
        None,
        description="Model of the data, by name or file, whose class direction the gradient learns: it guides far "
        "better, and takes about five times as long.",
    )
    matched: int = Field(
        32, ge=1, description="Images of each step for that: as many as --batch on a GPU, where they cost little."
    )

    def idle(self) -> Mapping[str, str]:
        return {"matched": "without --match"} if self.match is None else {}


class JudgeOptions(FitOptions):
    """``becalm images judge``."""

    renew: str | None = Field(
        None, description="Keep network and statistics of this judge of the same data; see its real images anew."
    )


class InterpolateOptions(Settings):
    """``becalm images interpolate``."""

    image: Annotated[str | None, InputFile()] = Field(
        None, description="Image to begin with, of the model's size; without one, two samples of the model."
    )
    to: Annotated[str | None, InputFile()] = Field(None, description="Image to end with.")
    label: int | str | None = Field(
        None, description="Class that all of them are of, by name or number; default: none in particular."
    )
    count: int = Field(9, ge=2, le=100, description="Points on the way, both ends included.")
    steps: int = Field(100, ge=2, le=100_000, description="Sampler steps to noise, and as many back.")
    seed: int = Field(0, ge=0, lt=2**63, description="Of the two samples.")
    checkpoint: Annotated[str, Weights()] = Field("mnist", description="Pretrained name or .safetensors file.")
    out: Annotated[str, OutputFile()] = Field("interpolated.png", description="PNG to write: the images in a row.")
    device: str = Field("auto", description="auto, cpu, cuda.")


class RecogniseOptions(Settings):
    """``becalm images recognise``."""

    checkpoint: Annotated[str, Weights()] = Field("mnist", description="Pretrained name or .safetensors file.")
    data: Annotated[str | None, InputFile()] = Field(
        None, description="Folder of the test images; default: the model's own data."
    )
    count: int = Field(100, ge=2, description="How many images.")
    first: int = Field(0, ge=0, lt=2**31, description="Number of the first image, to take them in parts.")
    seed: int = Field(0, ge=0, lt=2**63, description="Of the noise.")
    rounds: int = Field(4, ge=1, description="Rounds of 12 draws at most, after 4 of every class.")
    least: int = Field(4, ge=2, description="Draws before the first class may be out.")
    margin: float = Field(3.0, gt=0, description="Standard errors behind the best at which a class is out.")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="Of matrix products; auto: bf16 on GPUs.")
    out: Annotated[str, OutputFile()] = Field(
        "recognised.png", description="PNG to write: images that were taken for others, with the error of each class."
    )
    device: str = Field("auto", description="auto, cpu, cuda.")


class ToDiffusersOptions(Settings):
    """``becalm images to-diffusers``."""

    checkpoint: Annotated[str, Positional()] = Field(description="Pretrained name, .safetensors file or hf:owner/name.")
    folder: Annotated[str, Positional()] = Field(description="Folder to write, new or empty.")
    label: int | str = Field(
        "null",
        description="Class that the pipeline draws, by name or number; null: none in particular; all: the caller "
        "passes labels.",
    )


class FromDiffusersOptions(Settings):
    """``becalm images from-diffusers``."""

    folder: Annotated[str, Positional()] = Field(description="Folder of a pipeline, or hf:owner/name.")
    out: str = Field(description="Checkpoint to write, .safetensors.")
    null_class: bool = Field(False, description="The last class embedding is the null class, for guidance.")
