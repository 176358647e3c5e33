"""``becalm images train-judge`` and ``train-classifier``."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm_images.data.settings import Source
from becalm_images.domain import Images
from becalm_images.judge.classifier import train_classifier
from becalm_images.judge.judge import train_judge
from becalm_images.options import FitOptions


def judge(options: FitOptions) -> Iterator[str]:
    """Trains a judge and prints its accuracy on real test images."""
    checkpoint = yield from _train(options, train_judge)
    yield f"accuracy on real test images  {checkpoint.config['accuracy']:.4f}"


def classifier(options: FitOptions) -> Iterator[str]:
    """Trains a noise-aware classifier and prints its accuracy over all noise levels."""
    checkpoint = yield from _train(options, train_classifier)
    yield f"accuracy over all noise levels  {checkpoint.config['accuracy_over_noise']:.4f}"


def _train(
    options: FitOptions, training: Callable[..., Iterator[float | Checkpoint]]
) -> Generator[str, None, Checkpoint]:
    """Trains on the data of the options and writes the checkpoint, which it returns."""
    domain, out = Images(**options.model_dump(include=set(Source.model_fields))), Path(options.out)
    if out.suffix != ".safetensors":
        raise UserError(f"--out must end in .safetensors, got {options.out}")
    splits = domain.labelled("train"), domain.labelled("test")
    shown = 0
    for progress in training(*splits, epochs=options.epochs, seed=options.seed, minutes=options.minutes):
        if isinstance(progress, Checkpoint):
            progress.write(out)
            yield f"{out}  digest {progress.digest[:16]}"
            return progress
        if int(progress * 10) > shown:
            shown = int(progress * 10)
            yield f"{10 * shown} %"
    raise UserError("the training ended without a result")
