"""``becalm images recognise``: test images classified by a conditional model alone, and how often it is right."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

import becalm
from becalm.errors import UserError
from becalm.files import atomic
from becalm.noise import permutation
from becalm.plugin.report import Progress, Report, Saved, Table, counted
from becalm.provenance import record, write
from becalm_images.judge.interval import average, share
from becalm_images.judge.recognise import contest, recognise
from becalm_images.options import RecogniseOptions
from becalm_images.verbs.edit import images_of
from becalm_images.views.recognised import MOST, recognised

_BLOCK = 20


def run(options: RecogniseOptions) -> Iterator[Report]:
    """Classifies test images, in an order of chance that is always the same, and writes the picture.

    Raises:
        UserError: If the images are not of the model's kind and classes, or its levels are no scalars.
    """
    out = Path(options.out)
    atomic.check(out, (".png",))
    model = becalm.load(options.checkpoint, options.device)
    domain = images_of(model, options.checkpoint)
    if domain.classes < 2:
        raise UserError(f"{options.checkpoint} knows one class, so there is nothing to tell apart")
    held = domain.held_out_images(options.data)
    order = permutation(0, 0, len(held.labels))[options.first : options.first + options.count]
    if len(order) < 2:
        raise UserError(f"an interval needs two images, got {len(order)}: there are {len(held.labels)}")
    images, labels = torch.from_numpy(held.images)[order], domain.numbers(held)[order]
    denoise, x0 = model.denoiser(model.request(precision=options.precision)), model.encode(images, labels)
    rules = contest(model.schedule, options.rounds, options.least, options.margin)
    chosen, calls = labels[:0], labels[:0]
    yield Progress(0, len(order))
    told = partial(recognise, denoise=denoise, classes=domain.classes, seed=options.seed, process=model.process)
    for part in told(rules, x0=x0, first=options.first, block=_BLOCK):
        chosen, calls = torch.cat([chosen, part.chosen.cpu()]), torch.cat([calls, part.calls.cpu()])
        right = chosen == labels[: len(chosen)]
        yield Progress(len(chosen), len(order), f"{100 * float(right.double().mean()):.1f} % right")
    rows = (
        ("accuracy", *(round(end, 4) for end in share(right))),
        ("calls of the network an image", *(round(end, 1) for end in average(calls.double()))),
        ("median calls", int(calls.median()), None, None),
        ("most calls", int(calls.max()), None, None),
    )
    title = f"{counted(len(order), 'test image')} of {domain.trained_on()}, {domain.classes} classes"
    yield Table(("figure", "value", "95 % from", "to"), rows, title)
    wrong = (~right).nonzero()[:, 0]
    shown = (wrong if len(wrong) else calls.argsort(descending=True, stable=True))[:MOST]
    # Those that are out early were given fewer draws: here all get the same.
    every = contest(model.schedule, 1, margin=math.inf)
    errors = [next(told(every, x0=x0[[i]], first=options.first + i, block=1)).error.cpu() for i in shown.tolist()]
    view = recognised(images[shown], labels[shown].tolist(), chosen[shown].tolist(), torch.cat(errors), domain.names)
    write(out, view.content, record("images recognise", options, model=model))
    yield Saved(out, "those it got wrong" if len(wrong) else "all were right: those that took most calls")
