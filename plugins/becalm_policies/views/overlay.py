"""Frames of an environment, and what is drawn on and beside them: chunks, an obstacle that was put down."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from becalm.errors import UserError
from becalm.plugin.report import Picture

Frame = npt.NDArray[np.uint8]

Disc = tuple[float, float, float]
"""x, y, radius, in the units of actions."""

Entry = tuple[tuple[int, int, int] | None, str]
"""Of a legend: a colour, or none, and what it means."""

_SIZE = 400
_LINE, _LETTERS = 16, 11
_WIDTH = 180
_INK, _FAINT, _EXECUTED = (203, 213, 225), (190, 40, 110, 90), (190, 40, 110, 255)


def render(env: Any, hint: str) -> Frame:
    """What an environment shows now, (H, W, 3).

    Raises:
        UserError: If it draws no pictures; ``hint`` says what to do then.
    """
    frame = env.render()
    if not isinstance(frame, np.ndarray) or frame.ndim != 3:
        raise UserError(f"the environment draws no pictures: {hint}")
    return np.ascontiguousarray(frame[..., :3], dtype=np.uint8)


def disc_of(text: str, box: Any, down: bool) -> Disc:
    """A disc drawn on a frame, ``x,y,radius`` in widths of the frame, in the units of actions.

    Args:
        box: The action space, whose bounds are the frame's edges. down: Whether its second entry grows downwards.
    """
    x, y, radius = (float(part) for part in text.split(","))
    width, height = (box.high - box.low)[:2]
    share = y if down else 1 - y
    return float(box.low[0] + x * width), float(box.low[1] + share * height), float(radius * width)


def with_chunks(frame: Frame, chunks: npt.NDArray[Any], box: Any, down: bool) -> Frame:
    """A frame with chunks (N, T, 2) over it, the first, which is executed, stronger."""
    width = frame.shape[1]
    layer = Image.new("RGBA", (width, frame.shape[0]))
    pen = ImageDraw.Draw(layer)
    thin, radius = max(width // 256, 1), width / 160
    for number, path in reversed(list(enumerate(_pixels(frame, chunks, box, down)))):
        # The executed one last, and stronger.
        fill = (190, 40, 110, 110 if number else 255)
        pen.line([tuple(point) for point in path], fill=fill, width=thin if number else 2 * thin)
        x, y = path[-1]
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
    return _over(frame, layer)


def with_disc(frame: Frame, disc: Disc, box: Any, down: bool) -> Frame:
    """The frame with an obstacle."""
    width = frame.shape[1]
    (x, y), r = _pixels(frame, np.array(disc[:2]), box, down), disc[2] / (box.high - box.low)[0] * width
    layer = Image.new("RGBA", (width, frame.shape[0]))
    ImageDraw.Draw(layer).ellipse((x - r, y - r, x + r, y + r), fill=(225, 29, 107, 90), outline=(225, 29, 107, 255))
    return _over(frame, layer)


def beside(frame: Frame, chunks: npt.NDArray[Any], box: Any) -> Frame:
    """The frame, and at its right chunks (N, T, A) over time, a strip per entry of an action."""
    height = frame.shape[0]
    strips = Image.new("RGBA", (_WIDTH, height), (255, 255, 255, 255))
    layer = Image.new("RGBA", strips.size)
    pen = ImageDraw.Draw(layer)
    each = height / max(chunks.shape[2], 1)
    for entry in range(chunks.shape[2]):
        top, bottom = entry * each + 18, (entry + 1) * each - 6
        pen.rectangle((8, top, _WIDTH - 8, bottom), outline=_INK)
        pen.text((8, top - 14), f"action {entry}", fill=(71, 85, 105))
        low, high = _range(chunks[..., entry], box, entry)
        x = np.linspace(10, _WIDTH - 10, chunks.shape[1])
        y = bottom - (np.clip(chunks[..., entry], low, high) - low) / (high - low) * (bottom - top)
        for number, row in reversed(list(enumerate(y))):
            points = [(float(a), float(b)) for a, b in zip(x, row, strict=True)]
            pen.line(points, fill=_FAINT if number else _EXECUTED, width=1 if number else 2)
    both = Image.new("RGB", (frame.shape[1] + _WIDTH, height), (255, 255, 255))
    both.paste(Image.fromarray(frame), (0, 0))
    both.paste(Image.alpha_composite(strips, layer).convert("RGB"), (frame.shape[1], 0))
    return np.asarray(both)


def with_legend(frame: Frame, words: Sequence[Entry]) -> Frame:
    """A frame with a strip below it that says what is what: coloured dots and words, or words alone, a line each."""
    font = ImageFont.load_default(_LETTERS)
    height, width = frame.shape[:2]
    taller = Image.new("RGB", (width, height + _LINE * len(words) + 4), (255, 255, 255))
    taller.paste(Image.fromarray(frame), (0, 0))
    pen = ImageDraw.Draw(taller)
    for number, (colour, text) in enumerate(words):
        middle = height + 2 + (number + 0.5) * _LINE
        if colour is not None:
            pen.ellipse((6, middle - 4, 14, middle + 4), fill=colour)
        pen.text((6 if colour is None else 20, middle), text, (30, 41, 59), font, anchor="lm")
    return np.asarray(taller)


def jpeg(frame: Frame, text: str = "", seconds: float = 0.0) -> Picture:
    """A frame as a picture, at most 400 pixels high."""
    image = Image.fromarray(frame)
    if image.height > _SIZE:
        image = image.resize((round(image.width * _SIZE / image.height), _SIZE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return Picture("image/jpeg", buffer.getvalue(), text, seconds)


def _range(values: npt.NDArray[Any], box: Any, entry: int) -> tuple[float, float]:
    low, high = float(box.low[entry]), float(box.high[entry])
    if np.isfinite([low, high]).all() and high > low:
        return low, high
    low, high = float(values.min()), float(values.max())
    return low, max(high, low + 1e-6)


def _pixels(frame: Frame, positions: npt.NDArray[Any], box: Any, down: bool) -> npt.NDArray[Any]:
    """Positions (..., 2) in the units of actions as pixels x, y of a frame."""
    share = (positions - box.low) / (box.high - box.low)
    if not down:
        share[..., 1] = 1 - share[..., 1]
    pixels: npt.NDArray[Any] = share * (frame.shape[1], frame.shape[0])
    return pixels


def _over(frame: Frame, layer: Image.Image) -> Frame:
    return np.asarray(Image.alpha_composite(Image.fromarray(frame).convert("RGBA"), layer).convert("RGB"))
