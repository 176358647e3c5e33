"""Demonstrations with cameras: which pictures a window has, what acting does not see, and pictures to keep as text."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Episodes, Indices
from becalm_policies.demonstrations.frames import Pixels

Sizes = Mapping[str, tuple[int, int]]
_KEPT = 8 * 128 * 128
"""Pixels of the pictures that a policy keeps as examples, of all of them together."""


def hide(episodes: Episodes, hidden: Sequence[int]) -> Episodes:
    """The episodes without those observed entries.

    Raises:
        UserError: If there is no such entry, or no other.
    """
    if not hidden:
        return episodes
    size = episodes.observations.shape[1]
    wrong = [entry for entry in hidden if not 0 <= entry < size]
    if wrong:
        raise UserError(f"hidden must name observed entries, 0 to {size - 1}, got {wrong[0]}")
    rest = [entry for entry in range(size) if entry not in hidden]
    if not rest:
        raise UserError("hidden must leave at least one observed entry, it names them all")
    names = episodes.names("observation")
    spec = {**episodes.spec, "observation": [names[entry] for entry in rest]} if names else episodes.spec
    last = None if episodes.last is None else episodes.last[:, rest]
    return replace(episodes, observations=episodes.observations[:, rest], last=last, spec=spec)


def pick(episodes: Episodes, cameras: Sequence[str] | None) -> Episodes:
    """The episodes with those cameras; all of them for None.

    Raises:
        UserError: If there is none of that name.
    """
    if cameras is None:
        return episodes
    for name in cameras:
        if name not in episodes.cameras:
            there = ", ".join(episodes.cameras) or "none"
            raise UserError(f"cameras must name cameras of the demonstrations, {there}, got {name!r}")
    return replace(episodes, cameras={name: episodes.cameras[name] for name in cameras})


def look(episodes: Episodes, steps: Indices) -> dict[str, Tensor] | None:
    """The pictures of steps (B, f) by camera, uint8 (B, f, 3, H, W); None where there is no camera."""
    if not episodes.cameras:
        return None
    return {name: first_channels(frames[steps]) for name, frames in episodes.cameras.items()}


def show(pictures: Mapping[str, Pixels], sizes: Sizes, leading: tuple[int, ...]) -> dict[str, Tensor] | None:
    """Pictures (*leading, H, W, 3) as a network gets them; None where there is no camera.

    Raises:
        UserError: If they are not those of the cameras.
    """
    check_pictures(pictures, sizes, leading)
    return {name: first_channels(pictures[name]) for name in sizes} or None


def check_pictures(pictures: Mapping[str, Pixels], sizes: Sizes, leading: tuple[int, ...]) -> None:
    """Refuses pictures that are not those of some cameras.

    Args:
        pictures: uint8 (*leading, H, W, 3) by camera. sizes: Height and width by camera.

    Raises:
        UserError: If one is missing, or of another type or size.
    """
    for name, size in sizes.items():
        if name not in pictures:
            raise UserError(f"there must be a picture of camera {name}, got {', '.join(pictures) or 'none'}")
        found, wanted = pictures[name], (*leading, *size, 3)
        if found.dtype != np.uint8 or found.shape != wanted:
            raise UserError(f"pictures of camera {name} must be uint8 {wanted}, got {found.dtype} {found.shape}")


def first_channels(pixels: Pixels) -> Tensor:
    """uint8 (..., H, W, 3) as (..., 3, H, W), in the same memory."""
    return torch.from_numpy(pixels).movedim(-1, -3)


def as_text(pixels: Pixels) -> str:
    """A picture (H, W, 3) as a PNG in base 64."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def from_text(text: str, size: tuple[int, int]) -> Pixels:
    """The picture (H, W, 3) again.

    Raises:
        ValueError: If it is none, or of another size.
    """
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=("PNG",))
    if (picture.height, picture.width) != tuple(size):
        raise ValueError(f"a picture must be of {size[0]} x {size[1]}, got {picture.height} x {picture.width}")
    return np.array(picture.convert("RGB"))


def keep(episodes: Episodes, steps: Indices) -> tuple[tuple[str, ...], ...]:
    """Pictures of steps (K,) as text, those of one step together; of the first steps only where they are large."""
    pixels = sum(frames.size[0] * frames.size[1] for frames in episodes.cameras.values())
    some = steps[: max(_KEPT // max(pixels, 1), 1)] if episodes.cameras else steps[:0]
    return tuple(tuple(as_text(frames[step]) for frames in episodes.cameras.values()) for step in some)


def restore(kept: Sequence[Sequence[str]], number: int, sizes: Sizes, leading: tuple[int, ...]) -> dict[str, Pixels]:
    """The pictures kept of an example by camera, (*leading, H, W, 3): each as often as that takes.

    Raises:
        UserError: If none are kept of that number.
    """
    if not sizes:
        return {}
    if number >= len(kept):
        raise UserError(f"example must be below {len(kept)}, got {number}: no more pictures are kept with the policy")
    pictures = {name: from_text(text, size) for text, (name, size) in zip(kept[number], sizes.items(), strict=True)}
    return {name: np.tile(picture, (*leading, 1, 1, 1)) for name, picture in pictures.items()}
