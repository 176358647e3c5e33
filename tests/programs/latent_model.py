"""A small trained model of the latent route, which tests of it share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from becalm.plugin.report import Table
from becalm.train import begin, train
from becalm.train.plan import with_defaults
from becalm.train.resume import save
from becalm_programs.families import generate
from becalm_programs.formats.mps import write_mps
from becalm_programs.latent.domain import LatentPrograms
from becalm_programs.latent.options import EmbedOptions
from becalm_programs.latent.train import run as embed
from becalm_programs.options import LabelOptions
from becalm_programs.training.label import run as label


@dataclass(frozen=True)
class Trained:
    """A small trained model, what it was trained on, and what the contrast came to."""

    folder: Path
    encoders: Path
    checkpoint: Path
    contrast: Table
    domain: LatentPrograms


def made(folder: Path) -> Trained:
    """Four tiny set covers, encoders and a network trained on them for a few seconds."""
    for seed in range(4):
        write_mps(folder / f"set-cover-{seed}.mps.gz", generate("set-cover", "tiny", seed))
    list(label(LabelOptions(folder=str(folder), steps=2, solutions=3, workers=1, gap=0.5)))
    encoders, checkpoint = folder / "encoders.safetensors", folder / "model.safetensors"
    options = EmbedOptions(data=str(folder), out=str(encoders), steps=60, batch=4, width=16, dimension=4, rate=5e-3)
    tables = [report for report in embed(options) if isinstance(report, Table)]
    domain = LatentPrograms(
        data=str(folder), embedding=str(encoders), family="set-cover", size="tiny", width=16, rounds=2, batch=4
    ).fit()
    state = start(domain, 160)
    list(train(state))
    save(state, checkpoint)
    return Trained(folder, encoders, checkpoint, tables[0], domain)


def start(domain: LatentPrograms, steps: int) -> Any:
    training = {"steps": steps, "precision": "fp32", "rate": 5e-3, "warmup": 10, "ema": 0.95}
    schedule, objective, plan = with_defaults(LatentPrograms, training=training)
    return begin(domain, schedule, objective, plan, torch.device("cpu"))
