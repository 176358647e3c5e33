"""The denoising film: some steps of a run as the frames of an animated GIF."""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from becalm_apps.verbs.output import png

if TYPE_CHECKING:
    from becalm.domain import Domain
    from becalm_apps.verbs.generate import Frame

FRAMES = 36
_SECONDS = 3.0
_STRIP, _LETTERS = 18, 12
_HOLD = 2000
"""Milliseconds that the last frame stays."""


def frame_steps(steps: int) -> list[int]:
    """The steps that are filmed: at most FRAMES, evenly spread, the last one among them."""
    count = min(steps, FRAMES)
    return sorted({round((number + 1) * steps / count) - 1 for number in range(count)})


def gif(domain: "Domain[Any]", frames: Sequence["Frame"], cond: Any) -> bytes:
    """The frames as the domain renders them, each with its words below."""
    return animate([png(domain.render(frame.data, cond)) for frame in frames], [frame.text for frame in frames])


def animate(pictures: Sequence[bytes], words: Sequence[str] = ()) -> bytes:
    """PNGs of one size as an animated GIF.

    Args:
        words: What stands below each, if anything.
    """
    from PIL import Image

    def images() -> Iterator[Any]:
        for number, picture in enumerate(pictures):
            with Image.open(io.BytesIO(picture)) as image:
                shown = image.convert("RGB")
                shown = _captioned(shown, words[number]) if words else shown
                yield shown.quantize(256, dither=Image.Dither.NONE)

    first, *rest = images()
    each = round(min(max(1000 * _SECONDS / len(pictures), 60), 400))
    buffer = io.BytesIO()
    durations = [each] * len(rest) + [_HOLD]
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, disposal=1)
    return buffer.getvalue()


def _captioned(image: Any, text: str) -> Any:
    """An image with a line of text in a strip below it."""
    from PIL import Image, ImageDraw, ImageFont

    taller = Image.new("RGB", (image.width, image.height + _STRIP), (255, 255, 255))
    taller.paste(image, (0, 0))
    font = ImageFont.load_default(_LETTERS)
    ImageDraw.Draw(taller).text((4, image.height + _STRIP / 2), text, (0, 0, 0), font, anchor="lm")
    return taller
