"""The denoising film: some steps of a run as the frames of an animated GIF."""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from becalm_apps.verbs.output import png

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.domain import Domain

FRAMES = 36
_SECONDS = 3.0
_HOLD = 2000
"""Milliseconds that the last frame stays."""


def frame_steps(steps: int) -> list[int]:
    """The steps that are filmed: at most FRAMES, evenly spread, the last one among them."""
    count = min(steps, FRAMES)
    return sorted({round((number + 1) * steps / count) - 1 for number in range(count)})


def gif(domain: "Domain[Any]", frames: Sequence["Tensor"], cond: Any) -> bytes:
    """The frames as the domain renders them."""
    return animate([png(domain.render(frame, cond)) for frame in frames])


def animate(pictures: Sequence[bytes]) -> bytes:
    """PNGs of one size as an animated GIF."""
    from PIL import Image

    def images() -> Iterator[Any]:
        for picture in pictures:
            with Image.open(io.BytesIO(picture)) as image:
                yield image.convert("RGB").quantize(256, dither=Image.Dither.NONE)

    first, *rest = images()
    each = round(min(max(1000 * _SECONDS / len(pictures), 60), 400))
    buffer = io.BytesIO()
    durations = [each] * len(rest) + [_HOLD]
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, disposal=1)
    return buffer.getvalue()
