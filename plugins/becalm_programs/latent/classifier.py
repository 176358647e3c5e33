"""``becalm programs-latent classifier``: trains a classifier of violations on the embeddings of a latent model."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

import becalm
from becalm.device import building
from becalm.errors import UserError
from becalm.files import atomic
from becalm.model import Model
from becalm.network.embedding import waves
from becalm.noise import Purpose, normal, uniform
from becalm.plugin.report import Progress, Report, Saved, Table
from becalm.schedule import Schedule
from becalm.train.settings import Training
from becalm_programs.latent.codec import LatentCodec
from becalm_programs.latent.domain import LatentPrograms
from becalm_programs.latent.embed import Embedding
from becalm_programs.latent.fit import Losses, fit
from becalm_programs.latent.options import ClassifierOptions
from becalm_programs.latent.seen import seen
from becalm_programs.latent.violation import ViolationClassifier, store
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.training.examples import Example, load

_ROUNDS = 40
"""Draws of candidates and levels over which held-out programs are judged."""


def run(options: ClassifierOptions) -> Iterator[Report]:
    """Trains, then says how much of the violations' variance is explained, over all levels of noise.

    Raises:
        UserError: If the checkpoint is of another domain, or the folder holds no labelled program to train on.
    """
    out = Path(options.out)
    atomic.check(out, (".safetensors",))
    model: Model[ProblemBatch] = becalm.load(options.checkpoint, "cpu")
    domain, codec = model.domain, model.codec
    if not isinstance(domain, LatentPrograms) or not isinstance(codec, LatentCodec):
        raise UserError(f"{options.checkpoint} is a model of {domain.name}: a classifier of violations is for one of "
                        f"{LatentPrograms.name}")  # fmt: skip
    examples = load(Path(options.data).expanduser())
    kept = len(examples) - options.holdout
    if kept < 1:
        raise UserError(f"holdout must leave a program to train on, got {options.holdout} of {len(examples)}")
    with building():
        torch.manual_seed(options.seed)
        network = ViolationClassifier(width=options.width, rounds=options.rounds, dimension=domain.dimension)
    training = Training(steps=options.steps, minutes=options.minutes, rate=options.rate, warmup=50, seed=options.seed)
    losses = _losses(network, codec.embedding, model.schedule)
    for step in fit(network, losses, examples[:kept], training=training, batch=min(options.batch, kept)):
        part = training.used(step.step, step.seconds)
        said = f"step {step.step}, loss {step.loss:.4f} of {step.figure:.4f}"
        yield Progress(part.done, part.total, said)
    network.eval()
    rows = _explained(losses, examples, options)
    yield Table(("programs", "loss", "explained"), rows, title="violations of rows, over all levels of noise")
    checkpoint = store(network, domain.encoders_digest, {f"explained, {name}": share for name, _, share in rows})
    checkpoint.write(out)
    yield Saved(out, f"digest {checkpoint.digest[:16]}; name it by --classifier")


def _losses(network: ViolationClassifier, encoders: Embedding, schedule: Schedule) -> Losses:
    """The squared error of the rows' violations, each candidate at a level of its own, and their variance."""

    def losses(examples: Sequence[Example], seed: int, number: int) -> tuple[Tensor, Tensor]:
        block, z, target = seen(encoders, examples, seed, number)
        index = torch.arange(z.shape[1])
        level = schedule(uniform(seed, index, number, Purpose.TRAIN_TIME)[:, None])
        noise = normal(seed, index, number, Purpose.TRAIN_NOISE, (len(z), z.shape[2])).transpose(0, 1)
        time = waves(level, network.frequencies, z).expand(len(z), -1, -1)
        told = network.block(block, level.mix(z, noise) / level.total_std.to(z), time)
        return (told - target).square().mean(), target.var()

    return losses


@torch.no_grad()
def _explained(
    losses: Losses, examples: list[Example], options: ClassifierOptions
) -> tuple[tuple[str, float, float], ...]:
    """Loss and share explained of training and held-out programs, over a few draws."""
    kept, rows = len(examples) - options.holdout, []
    for name, part in (("training", examples[:kept][: options.batch]), ("held out", examples[kept:][: options.batch])):
        if part:
            pairs = [losses(part, options.seed + 1, number) for number in range(_ROUNDS)]
            loss, spread = (float(sum(column)) / _ROUNDS for column in zip(*pairs, strict=True))
            rows.append((name, round(loss, 4), round(1 - loss / spread, 3)))
    return tuple(rows)
