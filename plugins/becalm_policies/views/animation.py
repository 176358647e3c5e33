"""An episode played again as an animation: a GIF by pillow, or an mp4 where OpenCV can write one."""

import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from becalm import provenance
from becalm.errors import UserError
from becalm_policies.environments.known import PUSHT
from becalm_policies.rollouts.rollout import Rollout
from becalm_policies.views.overlay import Entry, Frame, render, with_chunks, with_legend

Plan = Callable[[Sequence[Any], int], npt.NDArray[Any]]
"""The last To observations, and the number of the chunk, to chunks (N, Tp, A), the first the executed one."""

_SIZE = 320
_RATE = 25
PLANS = 16
"""Chunks that are shown where the policy plans."""
_HINT = "leave videos out with --video none"


def replay(env: Any, rollout: Rollout) -> Iterator[tuple[Frame, Any]]:
    """Frames (H, W, 3) and the observations that they show, one more than there are actions.

    Args:
        env: The rollout's environment, with pictures.
    """
    seen, _ = rollout.start.reset(env)
    yield render(env, _HINT), seen
    for action in rollout.actions:
        seen, *_ = env.step(action.astype(env.action_space.dtype))
        yield render(env, _HINT), seen


def with_plans(
    shown: Iterator[tuple[Frame, Any]], plan: Plan, *, history: int, execute: int, box: Any, down: bool
) -> Iterator[Frame]:
    """The frames with the chunks that the policy might plan there, new ones where it plans.

    Args:
        history: To. execute: Ta. box: The action space; its bounds are the picture's edges.
        down: Whether the second entry of an action grows downwards.
    """
    window: list[Any] = []
    chunks: npt.NDArray[Any] = np.zeros((0, 0, 2))
    for number, (frame, seen) in enumerate(shown):
        window = [*(window or [seen] * history), seen][-history:]
        if number % execute == 0:
            chunks = plan(window, number // execute)[:, history - 1 :]
        yield with_chunks(frame, chunks, box, down)


def legend_of(environment: str) -> list[Entry]:
    """What ``with_plans`` draws on the frames of an environment, and what the environment itself does."""
    entries: list[Entry] = [((190, 40, 110), "the chunk at work; faint: others that might be")]
    return [*entries, ((255, 0, 0), "red cross: where the action leads")] if environment == PUSHT else entries


def write(
    path: Path,
    frames: Sequence[Frame],
    rate: float,
    kind: Literal["gif", "mp4"] = "gif",
    *,
    legend: Sequence[Entry] = (),
    made: provenance.Record | None = None,
) -> None:
    """Writes an animation, at most 320 pixels wide; a GIF at no more than 25 frames a second.

    Args:
        legend: What is drawn on the frames, see ``legend_of``; it stands below them, with the number of the step.
        made: How it was made, kept in the file.

    Raises:
        UserError: If it cannot be written.
    """
    small = [_small(frame) for frame in frames]
    small = [
        Image.fromarray(with_legend(np.asarray(image), [(None, f"step {number} of {len(small) - 1}"), *legend]))
        for number, image in enumerate(small)
    ]
    if kind == "mp4":
        provenance.write(path, _mp4(small, rate), made)
        return
    stride = max(round(rate / _RATE), 1)
    shown = small[::stride] if stride == 1 or len(small) % stride == 1 else [*small[::stride], small[-1]]
    # One palette for all, from frames throughout: a palette per frame flickers and takes more room.
    sample = np.concatenate([np.asarray(shown[i]) for i in np.linspace(0, len(shown) - 1, 6).astype(int)])
    palette = Image.fromarray(sample).quantize(256)
    images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in shown]
    each = round(1000 * stride / rate)
    buffer = io.BytesIO()
    # The last picture stands for a second.
    images[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=[*[each] * (len(images) - 1), 1000],
        loop=0,
    )
    provenance.write(path, buffer.getvalue(), made)


def _mp4(frames: Sequence[Image.Image], rate: float) -> bytes:
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise UserError("mp4 needs the package opencv-python-headless: take --video gif, or pip install it") from error
    with tempfile.TemporaryDirectory(prefix="becalm-film-") as folder:
        path = Path(folder) / "film.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, frames[0].size)
        if not writer.isOpened():
            raise UserError("OpenCV cannot write mp4 here: take --video gif")
        for frame in frames:
            writer.write(np.asarray(frame)[:, :, ::-1])
        writer.release()
        return path.read_bytes()


def _small(frame: Frame) -> Image.Image:
    image = Image.fromarray(frame)
    if image.width > _SIZE:
        image = image.resize((_SIZE, round(image.height * _SIZE / image.width / 2) * 2), Image.Resampling.LANCZOS)
    return image
