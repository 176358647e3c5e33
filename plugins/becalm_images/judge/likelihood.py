"""How likely test images are under a model, in bits per dimension: by the ODE, and by the variational bound.

A pixel is one of 256 values, and both say so: the ODE's density is that of pixels with a little noise (``dequantise``),
a bound on their probability; the bound's last step is a distribution over the values. Both see the network through
``among(256)``, which is a model of its own (docs/methods/likelihood.md).
"""

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from becalm.errors import UserError
from becalm.guidance import Guidance, among
from becalm.likelihood import bits_per_dimension, bound, data_nats, finest, grid
from becalm.model import Model
from becalm.noise import Purpose, permutation, stream
from becalm.plugin.report import Progress, Report, Table, counted
from becalm_images.data.labelled import Labelled
from becalm_images.judge.interval import average
from becalm_images.request import JudgedRequest

_LEAST = 2 / 255 / 6
"""The noise at the data's end: a sixth of what two values of a pixel are apart in [-1, 1]."""
_MOST = 32
"""Images at a time at most: a derivative needs all that the network computed of them."""
_FINER = 5
"""Steps of the bound to one of the ODE, which then take about as long: a bound falls with their number."""


def likelihoods(model: Model[Tensor], held: Labelled, cond: Tensor, request: JudgedRequest) -> Iterator[Report]:
    """Bits per dimension of ``request.count`` test images, in an order of chance that is always the same.

    Args:
        held: The test images. cond: Their conditions, (N,).

    Raises:
        UserError: If there are fewer than two images from ``request.first`` on, or the model's levels are no scalars.
    """
    chosen = permutation(0, 0, len(cond))[request.first : request.first + request.count]
    if len(chosen) < 2:
        raise UserError(f"an interval needs two images, got {len(chosen)}: there are {len(cond)}, see --count, --first")
    begun, found = time.perf_counter(), torch.empty(2, 0, dtype=torch.float64)
    yield Progress(0, len(chosen))
    for part in chosen.split(min(request.batch, _MOST)):
        found = torch.cat([found, bits(model, torch.from_numpy(held.images[part]), cond[part], part, request)], 1)
        yield Progress(found.shape[1], len(chosen), f"{float(found[0].mean()):.3f} bits per dimension")
    ways = (
        f"by the ODE, {counted(request.steps, 'step')} of Heun, {counted(request.probes, 'probe')}",
        f"variational bound, {_FINER * request.steps} steps",
    )
    rows = tuple((way, *(round(end, 4) for end in average(each))) for way, each in zip(ways, found, strict=True))
    told = "without labels" if bool((cond == held.classes).all()) else "each under its label"
    title = f"{counted(len(chosen), 'test image')} of {model.domain.trained_on()}, {told}"
    yield Table(("bits per dimension", "mean", "95 % from", "to"), rows, title)
    seconds = (time.perf_counter() - begun) / len(chosen)
    yield f"dequantisation: normal; checkpoint: {model.name} {model.digest[:8]}; {seconds:.2g} s an image"


def bits(model: Model[Tensor], images: Tensor, cond: Tensor, numbers: Tensor, request: JudgedRequest) -> Tensor:
    """Bits per dimension by the ODE and by the bound, (2, B) float64.

    Args:
        images: (B, C, H, W) uint8. numbers: (B,) of the images, which their noise depends on.
    """
    least = finest(model.schedule, _LEAST)
    ode, chain = (grid(model.schedule, steps, least) for steps in (request.steps, _FINER * request.steps - 1))
    images, cond, numbers = (each.to(model.device) for each in (images, cond, numbers))
    told: Guidance[Tensor] = among(256)
    denoise = told(model.denoiser(chunk=None))
    noise, probes = stream(request.seed, numbers, Purpose.PROBE), request.probes
    density = data_nats(denoise, model.codec, images, ode, cond, probes, dequantisation="normal", noise=noise)
    most = bound(denoise, model.codec.encode(images, cond), chain, cond, values=256, noise=noise).total
    return torch.stack([bits_per_dimension(nats, images[0].numel()).cpu() for nats in (density, -most)])
