"""One image file as 8-bit pixels, whatever its mode: what a viewer shows of it.

Palettes become what they show; 16 bits are scaled by their range, 0 .. 65535, floats by theirs, 0 .. 1; transparent
pixels are composed over a background; a camera's rotation is applied; of a film the first frame counts. Where every
pixel is grey there is one channel, else there are three: RGB.
"""

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

from becalm.errors import UserError, first_line
from becalm.gate.limit import most
from becalm.gate.regular import check
from becalm_images.data.settings import Size, Source, parse_size

# Formats that are no images of pixels, or that Pillow gives to another program to read.
_BAND = 64
_NONE = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}


@cache
def formats() -> dict[str, str]:
    """What Pillow reads: formats by suffix, in small letters with the dot."""
    return {suffix: name for suffix, name in Image.registered_extensions().items() if name in Image.OPEN.keys() - _NONE}


@dataclass(frozen=True, slots=True)
class Reading:
    """How image files are read.

    Attributes:
        background: What transparent pixels are composed over, as Pillow names colours: ``white``, ``#808080``.
        resize: Size that every image is scaled to, whatever its sides' ratio.
        crop: Size that every image is scaled to cover, and whose middle is cut out.
    """

    background: str = "white"
    resize: Size | None = None
    crop: Size | None = None

    @classmethod
    def of(cls, source: Source) -> "Reading":
        """The reading that settings ask for."""
        resize, crop = (None if size is None else parse_size(size) for size in (source.resize, source.crop))
        return cls(source.background, resize, crop)


def is_image(path: Path) -> bool:
    """Whether a file's name ends as an image's."""
    return path.suffix.lower() in formats()


def read(path: Path, reading: Reading = Reading()) -> np.ndarray:
    """One image as (C, H, W) uint8; C is 1 where every pixel is grey, else 3.

    Raises:
        UserError: If the file is missing or no image, is damaged, or unpacks to far more than it should.
    """
    try:
        check(path, "image", most=most())
        return _read(path, reading)
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        largest = Image.MAX_IMAGE_PIXELS
        raise UserError(f"{path} unpacks to more than {largest} pixels, which no image to train on has") from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} cannot be read as an image, it is empty, damaged or of another kind") from error
    except Exception as error:
        # Pillow's parsers raise whatever damaged bytes lead them to: struct.error, IndexError, MemoryError, ...
        raise UserError(
            f"{path} cannot be read as an image, it is damaged or of another kind: {first_line(error)}"
        ) from error


def _read(path: Path, reading: Reading) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Of metadata, which say nothing of the pixels.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=tuple(set(formats().values()))) as image:
            ImageOps.exif_transpose(image, in_place=True)
            shown = fit(_eight_bits(image, ImageColor.getrgb(reading.background)[:3]), reading)
    pixels = np.asarray(shown)
    if pixels.ndim == 2:
        return pixels[None]
    grey = np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 0], pixels[..., 2])
    return pixels[..., :1].transpose(2, 0, 1) if grey else pixels.transpose(2, 0, 1)


def fit(image: Image.Image, reading: Reading) -> Image.Image:
    """An image of 8 bits, resized or cropped as ``reading`` says."""
    size = reading.resize or reading.crop
    if size is None or image.size == size[::-1]:
        return image
    if reading.resize is not None:
        return image.resize(size[::-1], Image.Resampling.LANCZOS)
    return ImageOps.fit(image, size[::-1], Image.Resampling.LANCZOS)


def _eight_bits(image: Image.Image, background: tuple[int, ...]) -> Image.Image:
    """An image of any mode as L or RGB."""
    if image.mode.startswith("I"):
        return _scale(image, 65535, background)
    if image.mode == "F":
        return _scale(image, 1, background)
    if image.has_transparency_data:
        # From premultiplied grey there is no direct way.
        image = image.convert("LA") if image.mode == "La" else image
        return _compose(np.asarray(image.convert("RGBA")), background)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _scale(image: Image.Image, top: int, background: tuple[int, ...]) -> Image.Image:
    """Grey of more than 8 bits, 0 to ``top``."""
    values = np.asarray(image).astype(np.float64)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= top):
        what = "floats" if top == 1 else "integers"
        raise ValueError(f"its {what} must lie in 0 to {top}, got {values.min():g} to {values.max():g}")
    grey = Image.fromarray((values * (255 / top)).round().astype(np.uint8))
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return grey
    alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
    return _compose(np.dstack([np.asarray(grey.convert("RGB")), alpha]), background)


def _compose(pixels: np.ndarray, background: tuple[int, ...]) -> Image.Image:
    """RGBA, (H, W, 4), over a colour: alpha c + (1 - alpha) b, to the nearest integer."""
    shown = np.empty((*pixels.shape[:2], 3), np.uint8)
    for start in range(0, len(pixels), _BAND):  # In bands: whole, the sums would take eight times the image.
        band = pixels[start : start + _BAND]
        alpha = band[..., 3:].astype(np.int32)
        over = band[..., :3] * alpha + np.array(background[:3], np.int32) * (255 - alpha)
        shown[start : start + _BAND] = (over + 127) // 255
    return Image.fromarray(shown)
