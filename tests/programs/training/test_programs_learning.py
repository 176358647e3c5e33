"""A short training on small set covers: nearly all samples are feasible, and better than guidance alone finds."""

from pathlib import Path

import numpy as np
import pytest
import torch

import becalm
from becalm.model import Model, build
from becalm.model.load import find
from becalm.train import begin, train
from becalm.train.plan import with_defaults
from becalm.train.resume import export
from becalm_programs.domain import IntegerPrograms
from becalm_programs.families import generate
from becalm_programs.formats.mps import write_mps
from becalm_programs.opening import bare, open_form
from becalm_programs.options import LabelOptions
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample
from becalm_programs.sampling.outcome import Outcome
from becalm_programs.sampling.worth import worth_in
from becalm_programs.training.label import run as label

CPU = torch.device("cpu")
TESTED = tuple(range(6))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Model[ProblemBatch]:
    """A network of width 16 after 100 steps on ten labelled programs of 100 rows and 200 columns."""
    folder: Path = tmp_path_factory.mktemp("set-covers")
    for seed in range(1000, 1010):
        write_mps(folder / f"{seed}.mps.gz", generate("set-cover", "small", seed))
    list(label(LabelOptions(folder=str(folder), steps=4, solutions=4, workers=1)))
    domain = IntegerPrograms(data=str(folder), width=16, rounds=3, batch=4, draws=2)
    table = {"steps": 100, "rate": 5e-3, "warmup": 20, "ema": 0.95, "precision": "fp32"}
    state = begin(domain, *with_defaults(IntegerPrograms, training=table), CPU)
    list(train(state))
    return build(export(state), CPU)


def outcomes(model: Model[ProblemBatch]) -> list[Outcome]:
    request = ProgramRequest(count=10, steps=10)
    return [sample(model, StandardForm.of(generate("set-cover", "small", seed)), request) for seed in TESTED]


def test_a_minute_of_training_makes_feasible_solutions_that_beat_guidance_alone(trained: Model[ProblemBatch]) -> None:
    learned, alone = outcomes(trained), outcomes(bare(CPU))
    assert np.mean([outcome.feasible for outcome in learned]) >= 0.95
    ratio = [one.objectives.mean() / other.objectives.mean() for one, other in zip(learned, alone, strict=True)]
    assert np.mean(ratio) < 1.0


@pytest.mark.parametrize("family", ["set-cover", "auction", "facility", "independent-set"])
def test_bundled_networks_find_feasible_solutions_of_unseen_programs_and_those_worth_it_beat_guidance_alone(
    family: str,
) -> None:
    # Of the size at which it is measured what they are worth.
    model, ratio = becalm.load(family, "cpu"), []
    for seed in range(2):
        form, request = StandardForm.of(generate(family, "paper", seed)), ProgramRequest(count=4)
        learned, alone = sample(model, form, request), sample(bare(CPU), form, request)
        assert learned.feasible >= 0.75
        ratio.append(learned.objectives.mean() / alone.objectives.mean())
    worth = worth_in(find(family), "guided")
    assert worth is not None
    assert (open_form(form, None, "cpu", "guided").network == family) is worth.positive
    better = -1 if form.program.maximise else 1
    assert better * np.mean(ratio) < better or not worth.positive
