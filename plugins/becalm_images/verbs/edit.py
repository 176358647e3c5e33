"""``becalm images edit``: fill in the masked part of an image, or redraw it from a noisy version of itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import becalm
from becalm.errors import UserError
from becalm.model import Model
from becalm.plugin.report import counted
from becalm.provenance import record, write
from becalm.sampler import last
from becalm_images.data.image import Reading, is_image, read
from becalm_images.domain import Images
from becalm_images.options import EditOptions
from becalm_images.views.grid import grid, labelled, png


def run(options: EditOptions) -> Iterator[str]:
    """Edits one image and writes a grid: the image, what is kept of it, and the edits.

    Raises:
        UserError: If image or mask do not fit the model, or nothing is to be edited.
    """
    out = Path(options.out)
    if out.suffix != ".png":
        raise UserError(f"--out must end in .png, got {options.out}")
    if options.mask is None and options.start == 1.0:
        raise UserError("nothing is kept of the image: give --mask to fill in a part, or --start below 1 to redraw it")
    model = becalm.load(options.checkpoint, options.device)
    domain = images_of(model, options.checkpoint)
    image = open_image(Path(options.image), domain)
    keep = None if options.mask is None else keep_mask(options.mask, domain)
    edited = edits(model, image, keep, options)
    shown = image if keep is None else torch.where(keep, image, torch.full_like(image, 96))
    tiles = torch.cat([image[None], shown[None], edited])
    made = record("images edit", options, model=model)
    canvas = grid(tiles, columns=min(len(tiles), 10), zoom=4)
    kept = "all of it, noised" if keep is None else "what is kept"
    write(out, png(labelled(canvas, [f"1: the image   2: {kept}   3 to {len(tiles)}: edits"])).content, made)
    yield f"{options.out}: the image, what was kept, and {counted(len(edited), 'edit')}"


def edits(model: Model[Tensor], image: Tensor, keep: Tensor | None, options: EditOptions) -> Tensor:
    """The edited images, (count, C, H, W) uint8.

    Args:
        image: (C, H, W) uint8; keep: (C, H, W) bool, or None to keep nothing to the letter.
    """
    fields = options.model_dump(include=set(model.domain.request.model_fields))
    request = model.request(**fields)
    data = image.float()[None].expand(request.count, -1, -1, -1)
    final = last(model.edit(data, mask=keep, start=options.start, request=request))
    return model.decode(final.x, model.domain.condition(request))


def images_of(model: Model[Any], name: str) -> Images:
    """The domain of a model of images.

    Raises:
        UserError: If it is a model of something else.
    """
    if not isinstance(model.domain, Images):
        raise UserError(f"{name} is a model of {model.domain.name}, not of images")
    return model.domain


def open_image(path: Path, domain: Images) -> Tensor:
    """An image as the model has them, (C, H, W) uint8, read as those that it was trained on; grey ones are RGB, too.

    Raises:
        UserError: If it cannot be read, its size differs, or it is coloured and the model knows only grey.
    """
    image = torch.tensor(read(path, Reading.of(domain)))
    channels, height, width = domain.shape()
    if len(image) > channels or tuple(image.shape[1:]) != (height, width):
        raise UserError(
            f"{path.name} must have {channels} channel(s) and {height} x {width} pixels as the model has, "
            f"got {image.shape[0]} and {image.shape[1]} x {image.shape[2]}"
        )
    return image.expand(channels, -1, -1)


def keep_mask(mask: str, domain: Images) -> Tensor:
    """The pixels to keep, (C, H, W) bool: a half by name, or where a mask image is white.

    Raises:
        UserError: If the mask is neither.
    """
    channels, height, width = domain.shape()
    keep = torch.zeros(channels, height, width, dtype=torch.bool)
    halves = {
        "top": (slice(0, height // 2), slice(None)),
        "bottom": (slice(height // 2, None), slice(None)),
        "left": (slice(None), slice(0, width // 2)),
        "right": (slice(None), slice(width // 2, None)),
    }
    if mask in halves:
        keep[:, halves[mask][0], halves[mask][1]] = True
        return keep
    if not is_image(Path(mask)):
        raise UserError(f"--mask must be top, bottom, left, right or an image file such as mask.png, got {mask!r}")
    pixels = torch.tensor(read(Path(mask), Reading.of(domain)))
    if pixels.shape[1:] != (height, width):
        raise UserError(f"{mask} must have {height} x {width} pixels, got {pixels.shape[1]} x {pixels.shape[2]}")
    return (pixels.float().mean(0, keepdim=True) >= 128).expand(channels, -1, -1)
