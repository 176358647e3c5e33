"""Panels of the page: inpainting under a drawn mask, and redrawing a scribble (SDEdit, Meng et al. 2022)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from becalm.errors import UserError
from becalm.model import Model, shared
from becalm.plugin.report import Picture, Progress, Report, Saved, counted
from becalm.provenance import Record, record, write
from becalm.sampler import Step
from becalm_images.data.image import read
from becalm_images.domain import Images
from becalm_images.options import InpaintOptions, RedrawOptions
from becalm_images.request import ImageRequest
from becalm_images.verbs.edit import images_of, open_image
from becalm_images.views.grid import grid, png

P = TypeVar("P", bound=ImageRequest)
_GROUND = 96
_COLUMNS = 5


def inpaint(options: InpaintOptions) -> Iterator[Report]:
    """Fills in what was drawn over, streaming the estimates.

    Raises:
        UserError: If nothing is drawn, or the image does not fit the model.
    """
    if options.mask is None:
        raise UserError("draw over a part of the image first: that part is filled in")
    model, domain = _model(options.checkpoint)
    image = _image(model, domain, options)
    masked = _pixels(options.mask, domain, grey=True) >= 128
    if not bool(masked.any()):
        raise UserError("draw over a part of the image first: that part is filled in")
    keep = ~masked[:1].expand(domain.shape())
    shown = torch.where(keep, image, torch.full_like(image, _GROUND))
    request = _request(model, options)
    steps = model.edit(_rows(image, request), mask=keep, request=request)
    made = record("images inpaint", _with(options, request), model=model, output="folder/edits.png", panel=True)
    yield from _stream(model, steps, request, [image, shown], Path(options.folder), made)


def redraw(options: RedrawOptions) -> Iterator[Report]:
    """Redraws a scribble from a noisy version of it, streaming the estimates.

    Raises:
        UserError: If nothing is drawn.
    """
    model, domain = _model(options.checkpoint)
    image = None if options.scribble is None else _pixels(options.scribble, domain)
    if image is None or not bool(image.any()):
        raise UserError("draw something on the canvas first")
    request = _request(model, options)
    steps = model.edit(_rows(image, request), start=options.start, request=request)
    made = record("images redraw", _with(options, request), model=model, output="folder/edits.png", panel=True)
    yield from _stream(model, steps, request, [image], Path(options.folder), made)


def ground(options: InpaintOptions) -> Picture:
    """The image to draw a mask on.

    Raises:
        UserError: If it does not fit the model.
    """
    model, domain = _model(options.checkpoint)
    image = _image(model, domain, options)
    text = "a sample of the model" if options.image is None else Path(options.image).name
    return replace(png(image.permute(1, 2, 0).numpy()), text=text)


def _model(name: str) -> tuple[Model[Tensor], Images]:
    model = shared(name)
    return model, images_of(model, name)


def _request(model: Model[Tensor], options: ImageRequest) -> ImageRequest:
    fields = options.model_dump(include=set(ImageRequest.model_fields), exclude_unset=True)
    return cast(ImageRequest, model.with_defaults(ImageRequest.model_validate({"count": options.count, **fields})))


def _with(options: P, request: ImageRequest) -> P:
    """The options with what the model's own defaults made of them."""
    return options.model_copy(update={name: getattr(request, name) for name in ImageRequest.model_fields})


def _image(model: Model[Tensor], domain: Images, options: InpaintOptions) -> Tensor:
    """(C, H, W) uint8: the one uploaded, or a sample."""
    if options.image is not None:
        return open_image(Path(options.image), domain)
    label = domain.names[options.example % domain.classes]
    return model.sample(count=1, seed=options.example, label=label, steps=10).data[0]


def _pixels(path: str, domain: Images, *, grey: bool = False) -> Tensor:
    """A drawing as the model's images are, (C, H, W) uint8; with ``grey`` of one channel."""
    channels, height, width = domain.shape()
    drawing = Image.fromarray(read(Path(path))[0])
    # A box filter turns each of the model's pixels into the mean of what was drawn there.
    pixels = torch.from_numpy(np.array(drawing.resize((width, height), Image.Resampling.BOX)))
    return pixels.expand(1 if grey else channels, -1, -1)


def _rows(image: Tensor, request: ImageRequest) -> Tensor:
    return image.float()[None].expand(request.count, -1, -1, -1)


def _stream(
    model: Model[Tensor], steps: Iterator[Step], request: ImageRequest, before: list[Tensor], folder: Path, made: Record
) -> Iterator[Report]:
    """The edits as they come, beside what they start from; the last ones also as a file."""
    picture: Picture | None = None
    cond = model.domain.condition(request)
    for step in steps:
        tiles = torch.cat([torch.stack(before), model.decode(step.x0, cond)])
        columns = min(len(tiles), max(_COLUMNS, round(len(tiles) ** 0.5)))
        picture = png(grid(tiles, columns=columns, zoom=3))
        names = "the drawing" if len(before) == 1 else "the image, what is kept"
        yield Progress(step.index + 1, request.updates, f"t = {float(step.level.t):.2f}")
        yield replace(picture, text=f"{names}, and {counted(request.count, 'edit')}")
    if picture is not None:
        write(folder / "edits.png", picture.content, made)
        yield Saved(folder / "edits.png")
