"""``becalm images interpolate``: what lies between two images, in the noise that the ODE carries them to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import becalm
from becalm.encoding import between, decode, encode
from becalm.errors import UserError
from becalm.files import atomic
from becalm.plugin.report import Progress, Report, Saved
from becalm.provenance import record, write
from becalm.schedule import levels
from becalm_images.options import InterpolateOptions
from becalm_images.verbs.edit import images_of, open_image
from becalm_images.views.grid import grid, labelled, png


def run(options: InterpolateOptions) -> Iterator[Report]:
    """Writes a strip: the first image, points on the arc from its noise to the second's, the second image.

    Raises:
        UserError: If one image alone is named, or they do not fit the model.
    """
    out = Path(options.out)
    atomic.check(out, (".png",))
    if (options.image is None) != (options.to is None):
        raise UserError("there are two ends: give --image and --to, or neither, for two samples of the model")
    model = becalm.load(options.checkpoint, options.device)
    domain = images_of(model, options.checkpoint)
    asked: dict[str, Any] = {"guidance": 0} if options.label is None else {"guidance": 1, "label": options.label}
    yield Progress(0, 3, "the ends")
    if options.image is None or options.to is None:
        ends = model.sample(count=2, seed=options.seed, **asked).data
    else:
        ends = torch.stack([open_image(Path(name), domain) for name in (options.image, options.to)])
    shares = torch.linspace(0, 1, options.count).tolist()
    cond = model.domain.condition(model.request(count=options.count, **asked)).to(model.device)
    denoise, path = model.denoiser(), levels(model.schedule, options.steps, "log_snr")
    yield Progress(1, 3, "to noise")
    z = encode(denoise, model.encode(ends, cond[:2]), path, cond[:2], process=model.process)
    yield Progress(2, 3, "and back")
    arc = torch.cat([between(z[:1], z[1:], share) for share in shares])
    made = model.decode(decode(denoise, arc, path, cond, process=model.process), cond.cpu())
    strip = grid(torch.cat([ends[:1], made, ends[1:]]), columns=options.count + 2, zoom=3)
    words = ["image", *(f"{share:.2f}" for share in shares), "to"]
    write(out, png(labelled(strip, words)).content, record("images interpolate", options, model=model))
    off = (made[[0, -1]].float() - ends.float()).abs().mean() / 2.55
    yield Saved(out, f"{options.count} points of the arc; the ends come back {float(off):.2g} % off in the mean pixel")
