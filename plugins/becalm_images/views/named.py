"""A grid of images that says which class is which: a column or a row per class, or a name below each image."""

import importlib.util
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from becalm_images.views.grid import GAP, GROUND, grid

_SIZE = 13
_LINE = _SIZE + 5
_MOST = 20
"""Columns or rows of classes at most; of more, each image has its name."""
_TILE = 56
"""Pixels of the picture that a small image is wide at least."""
_LEGIBLE = 3 * _TILE


def named_grid(images: Tensor, names: Sequence[str]) -> np.ndarray:
    """uint8 images (N, C, H, W), each with the name of its class, as one array (height, width, C).

    Args:
        names: N names; an empty one is of no class.
    """
    zoom = max(1, -(-_TILE // images.shape[-1]))
    if not any(names):
        return grid(images, zoom=zoom)
    if len(set(names)) == 1:
        return _write(grid(images, zoom=zoom), [(GAP * zoom, 0, names[0])], above=_LINE)
    step = zoom * (images.shape[-1] + GAP)
    first = names[: _round(names)]
    if len(first) > _MOST or (len(first) == len(names) > _MOST // 2):
        return _below_each(images, names, zoom)
    if max(map(_length, first)) <= step - 2 * GAP:
        heads = [(GAP * zoom + number * step, 0, name) for number, name in enumerate(first)]
        return _write(grid(images, len(first), zoom), heads, above=_LINE)
    return _row_each(images, first, zoom)


def _row_each(images: Tensor, names: Sequence[str], zoom: int) -> np.ndarray:
    """A row per class, its name on the left."""
    rows = len(names)
    columns = -(-len(images) // rows)
    tiles = images.new_full((rows * columns, *images.shape[1:]), GROUND)
    number = torch.arange(len(images))
    tiles[number % rows * columns + number // rows] = images
    step = zoom * (images.shape[-2] + GAP)
    shown = [_shorten(name, _LEGIBLE) for name in names]
    left = math.ceil(max(map(_length, shown))) + 2 * GAP
    heads = [(GAP, GAP * zoom + row * step + max((step - _LINE) // 2, 0), name) for row, name in enumerate(shown)]
    return _write(grid(tiles, columns, zoom), heads, left=left)


def _below_each(images: Tensor, names: Sequence[str], zoom: int) -> np.ndarray:
    """Each image with its name below."""
    count, channels, height, width = images.shape
    tiles = images.new_full((count, channels, height + -(-_LINE // zoom), width), GROUND)
    tiles[:, :, :height] = images
    columns = math.ceil(math.sqrt(count))
    across, down = zoom * (width + GAP), zoom * (tiles.shape[2] + GAP)
    heads = [
        (
            GAP * zoom + place % columns * across,
            GAP * zoom + place // columns * down + height * zoom,
            _shorten(name, width * zoom),
        )
        for place, name in enumerate(names)
    ]
    return _write(grid(tiles, columns, zoom), heads)


def _write(canvas: np.ndarray, heads: Sequence[tuple[int, int, str]], *, above: int = 0, left: int = 0) -> np.ndarray:
    """A canvas with room above and on the left, and names at their places (x, y)."""
    needed = max(x + math.ceil(_length(name)) + GAP for x, _, name in heads)
    right = max(needed - left - canvas.shape[1], 0)
    wider = np.pad(canvas, ((above, 0), (left, right), (0, 0)), constant_values=GROUND)
    picture = Image.fromarray(wider[..., 0] if wider.shape[-1] == 1 else wider)
    pen = ImageDraw.Draw(picture)
    for x, y, name in heads:
        pen.text((x, y + 1), name, fill=255 if wider.shape[-1] == 1 else (255, 255, 255), font=_font())
    written = np.asarray(picture)
    return written[..., None] if written.ndim == 2 else written


def _round(names: Sequence[str]) -> int:
    """After how many images the names come again; all of them where they do not."""
    return next(
        size for size in range(1, len(names) + 1) if all(name == names[n % size] for n, name in enumerate(names))
    )


def _length(text: str) -> float:
    return float(_font().getlength(text))


def _shorten(text: str, most: int) -> str:
    """Text that is at most so many pixels long."""
    if _length(text) <= most:
        return text
    return next((cut for size in range(len(text), 0, -1) if _length(cut := f"{text[:size]}…") <= most), "")


@cache
def _font() -> Any:
    """matplotlib's font, which has most alphabets; Pillow's own has Latin letters."""
    found = importlib.util.find_spec("matplotlib")
    for folder in (found.submodule_search_locations or []) if found is not None else []:
        file = Path(folder, "mpl-data", "fonts", "ttf", "DejaVuSans.ttf")
        if file.is_file():
            return ImageFont.truetype(str(file), _SIZE)
    return ImageFont.load_default(_SIZE)
