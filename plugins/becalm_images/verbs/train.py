"""``becalm images judge`` and ``classifier``: the small networks that look at images, trained on a data set."""

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import becalm
from becalm.denoiser import Denoiser
from becalm.device import pick
from becalm.errors import UserError
from becalm.files import atomic
from becalm.files.checkpoint import Checkpoint
from becalm.plugin.report import Progress, Report, Saved, Table
from becalm_images.data.labelled import Labelled
from becalm_images.data.settings import Source
from becalm_images.domain import Images
from becalm_images.judge.classifier import train_classifier
from becalm_images.judge.find import find
from becalm_images.judge.judge import judge_of, train_judge, with_real
from becalm_images.judge.origin import Origin, check_origin, of_header
from becalm_images.options import ClassifierOptions, FitOptions, JudgeOptions

_SHOWN = (100, 1000)
"""Numbers of real images whose figures are printed, beside those of all."""


def judge(options: JudgeOptions) -> Iterator[Report]:
    """Trains a judge, and prints its accuracy and what real test images reach under it."""
    domain, out = _begin(options)
    name, train, test = domain.trained_on(), domain.labelled("train"), domain.labelled("test")
    if options.renew is None:
        checkpoint = yield from _watch(train_judge(train, test, name=name, **_how(options)))
    else:
        path = find(options.renew)
        old = Checkpoint.read(path)
        check_origin("judge", options.renew, of_header(old.config, path, "judge"), Origin(name, train.digest))
        checkpoint = with_real(old, test)
    made = judge_of(checkpoint, out)
    yield f"a judge of {made.origin}: accuracy {checkpoint.config['accuracy']:.4f} on {len(made.real)} test images"
    names = ("fid", "precision", "recall")
    counts = sorted({count for count in _SHOWN if count < len(made.real)} | {len(made.real)})
    floors = [(count, made.floors(count)) for count in counts]
    rows = tuple((count, *(round(floor[name], 4) for name in names)) for count, floor in floors if "fid" in floor)
    if rows:
        yield Table(("count", *names), rows, title="Real test images")
    checkpoint.write(out)
    yield Saved(out, f"digest {checkpoint.digest[:16]}; name it by --judge")


def classifier(options: ClassifierOptions) -> Iterator[Report]:
    """Trains a noise-aware classifier and prints its accuracy over all noise levels."""
    domain, out = _begin(options)
    name, train, test = domain.trained_on(), domain.labelled("train"), domain.labelled("test")
    how = _how(options)
    denoise = None if options.match is None else _denoiser(options.match, train, how["device"])
    checkpoint = yield from _watch(
        train_classifier(train, test, name=name, denoise=denoise, matched=options.matched, **how)
    )
    yield f"a classifier of {name}: accuracy {checkpoint.config['accuracy_over_noise']:.4f} over all noise levels"
    checkpoint.write(out)
    yield Saved(out, f"digest {checkpoint.digest[:16]}; name it by --classifier")


def _denoiser(name: str, train: Labelled, device: torch.device) -> Denoiser[Tensor]:
    """The denoiser of a model of these images.

    Raises:
        UserError: If it is of other images, or knows no null class.
    """
    model = becalm.load(name, str(device))
    if not isinstance(model.domain, Images):
        raise UserError(f"--match {name} is a model of {model.domain.name}, not of images")
    wanted, mine = (*train.images.shape[1:], train.classes), (*model.domain.shape(), model.domain.classes)
    if wanted != mine or model.domain.origin.digest not in (None, train.digest):
        raise UserError(f"--match {name} is of {model.domain.origin}, these images are others ({train.digest[:8]})")
    model.domain.drop(torch.zeros(1, dtype=torch.long))
    return model.denoiser(model.request(precision="bf16"), chunk=None)


def _begin(options: FitOptions) -> tuple[Images, Path]:
    """The data and the file to write, both looked at before any work."""
    out = Path(options.out)
    atomic.check(out, (".safetensors",))
    return Images(**options.model_dump(include=set(Source.model_fields))), out


def _how(options: FitOptions) -> dict[str, Any]:
    """How long, from which seed and where both are trained."""
    return {**options.model_dump(include={"epochs", "minutes", "seed", "batch"}), "device": pick(options.device)}


def _watch(training: Iterator[float | Checkpoint]) -> Generator[Report, None, Checkpoint]:
    """Passes on how far a training is and how long it takes, and returns its result."""
    begun = time.perf_counter()
    for progress in training:
        if isinstance(progress, Checkpoint):
            return progress
        left = (time.perf_counter() - begun) * (1 / progress - 1)
        yield Progress(progress, 1, f"{left:.0f} s left")
    raise UserError("the training ended without a result")
