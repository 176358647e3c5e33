"""Images as one PNG: a grid as wide as it is high, or of so many columns."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from becalm.domain import Picture

GAP = 2
GROUND = 96
_STRIP, _LETTERS = 18, 12


def grid(images: Tensor, columns: int | None = None, zoom: int = 2) -> np.ndarray:
    """uint8 images (N, C, H, W) as one array (height, width, C), on a grey ground, each pixel ``zoom`` wide."""
    count, channels, height, width = images.shape
    columns = columns or max(1, math.ceil(math.sqrt(count)))
    rows = -(-count // columns)
    canvas = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), GROUND, np.uint8)
    for number, image in enumerate(images.permute(0, 2, 3, 1).cpu().numpy()):
        row, column = divmod(number, columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        canvas[top : top + height, left : left + width] = image
    return canvas.repeat(zoom, axis=0).repeat(zoom, axis=1)


def labelled(canvas: np.ndarray, words: Sequence[str]) -> np.ndarray:
    """The array with words in a strip below it, each in the middle of its share of the width. The images stay in place.

    Words that are wider than their share are cut.
    """
    width, share = canvas.shape[1], canvas.shape[1] / len(words)
    font = ImageFont.load_default(_LETTERS)
    strip = Image.new("L", (width, _STRIP), 255)
    pen = ImageDraw.Draw(strip)
    for number, word in enumerate(words):
        shown = word
        while len(shown) > 1 and pen.textlength(shown, font) > share - 2:
            shown = f"{shown.rstrip('.')[:-1]}."
        pen.text(((number + 0.5) * share, _STRIP / 2), shown, 0, font, anchor="mm")
    below = np.repeat(np.asarray(strip)[..., None], canvas.shape[2], axis=2)
    return np.concatenate([canvas, below])


def png(canvas: np.ndarray) -> Picture:
    """An array (H, W, 1 or 3) as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(canvas.squeeze(-1) if canvas.shape[-1] == 1 else canvas).save(buffer, format="PNG")
    return Picture("image/png", buffer.getvalue())
