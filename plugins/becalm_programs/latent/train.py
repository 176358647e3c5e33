"""``becalm programs embed``: trains the encoders by contrast and writes them, for the latent route to build on."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from becalm.device import building
from becalm.errors import UserError
from becalm.plugin.report import Progress, Report, Table
from becalm.train.settings import Training
from becalm_programs.latent.contrast import CANDIDATES, compare
from becalm_programs.latent.embed import Embedding, store
from becalm_programs.latent.fit import fit
from becalm_programs.latent.options import EmbedOptions
from becalm_programs.training.examples import Example, load

_ROUNDS = 20
"""Draws of solutions and look-alikes over which programs are judged."""


def run(options: EmbedOptions) -> Iterator[Report]:
    """Trains, then says how well programs know their solutions, those held out too.

    Raises:
        UserError: If the folder holds no labelled program to train on.
    """
    out = Path(options.out)
    if out.suffix != ".safetensors":
        raise UserError(f"--out must end in .safetensors, got {options.out}")
    examples = load(Path(options.data).expanduser())
    kept = len(examples) - options.holdout
    if kept < 1:
        raise UserError(f"holdout must leave a program to train on, got {options.holdout} of {len(examples)}")
    embedding = make(options)
    training = Training(
        steps=options.steps,
        minutes=options.minutes,
        rate=options.rate,
        warmup=50 if options.steps is None else min(50, options.steps // 10),
        seed=options.seed,
    )
    step = None
    for step in fit(
        embedding, partial(compare, embedding), examples[:kept], training=training, batch=min(options.batch, kept)
    ):
        part = training.used(step.step, step.seconds)
        yield Progress(part.done, part.total, f"step {step.step}, loss {step.loss:.3f}, found {step.figure:.0%}")
    if step is not None:
        yield _table(embedding.eval(), examples, options)
    checkpoint = store(embedding)
    checkpoint.write(out)
    yield f"{out}  digest {checkpoint.digest[:16]}"


def make(options: EmbedOptions) -> Embedding:
    """Fresh encoders, a function of the seed."""
    with building():
        torch.manual_seed(options.seed)
        return Embedding(width=options.width, dimension=options.dimension, rounds=options.rounds)


@torch.no_grad()
def _table(embedding: Embedding, examples: list[Example], options: EmbedOptions) -> Table:
    """Loss and share found of training and held-out programs, over a few draws."""
    kept = len(examples) - options.holdout
    rows = []
    for name, part in (("training", examples[:kept][: options.batch]), ("held out", examples[kept:][: options.batch])):
        if part:
            pairs = [compare(embedding, part, options.seed + 1, number) for number in range(_ROUNDS)]
            loss, found = (float(sum(column)) / _ROUNDS for column in zip(*pairs, strict=True))
            rows.append((name, round(loss, 3), round(found, 3), 1 / CANDIDATES))
    return Table(("programs", "loss", "found", "by chance"), tuple(rows), title="whether programs know their solutions")
