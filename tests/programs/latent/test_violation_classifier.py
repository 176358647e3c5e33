"""The classifier of violations: what it predicts, its symmetry, what its gradient does to samples, what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import permuted
from latent_model import Trained

import becalm
from becalm.cond import take
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.guidance import gradient
from becalm.model import Model
from becalm.plugin.report import Table
from becalm.schedule import Cosine
from becalm_programs.families import generate
from becalm_programs.guidance.energies import violation
from becalm_programs.latent.classifier import run
from becalm_programs.latent.domain import LatentPrograms
from becalm_programs.latent.options import ClassifierOptions
from becalm_programs.latent.request import LatentRequest
from becalm_programs.latent.seen import CANDIDATES, candidates
from becalm_programs.latent.violation import ViolationClassifier, shared, store
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm

SCHEDULE = Cosine()
CLEAN, MIDDLE, NOISY = (SCHEDULE(torch.tensor(t, dtype=torch.float64)) for t in (0.02, 0.5, 0.999))


@pytest.fixture(scope="module")
def classifier(trained: Trained) -> Path:
    """One trained for some seconds on the embeddings of the shared model; tells what it explains."""
    out = trained.folder / "violation.safetensors"
    options = ClassifierOptions(
        checkpoint=str(trained.checkpoint), data=str(trained.folder), out=str(out), steps=300, batch=4, rate=5e-3
    )
    (table,) = (report for report in run(options) if isinstance(report, Table))
    assert float(table.rows[0][2]) > 0.3
    return out


def fresh(dimension: int = 4) -> ViolationClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ViolationClassifier(width=8, rounds=2, dimension=dimension).eval().requires_grad_(False)


def noise(rows: int, width: int) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(0))


def test_candidates_leave_the_solution_step_by_step_to_either_side() -> None:
    x = torch.where(torch.arange(4000) % 5 == 0, 1.0, -1.0)
    every = torch.stack([candidates(x, 3, number) for number in range(40)])
    assert every.shape == (40, 4000, CANDIDATES) and torch.equal(every.abs(), torch.ones_like(every))
    assert torch.equal(every[:, :, 0], x.expand(40, -1))
    away = (every != x[:, None]).float().mean(1)
    assert bool((away.mean(0).diff() > 0).all()) and float(away[:, 1].max()) < 0.01
    # 1 - 1/2 + 1 times as many ones on average, from few to nearly three times.
    ones = (every[:, :, -1] > 0).float().mean(1) / 0.2
    assert abs(float(ones.mean()) - 1.5) < 0.25 and float(ones.min()) < 0.5 and float(ones.max()) > 2
    assert torch.equal(every[5], candidates(x, 3, 5))


def test_near_clean_the_prediction_orders_by_violation_and_in_noise_it_is_the_mean(
    trained: Trained, classifier: Path
) -> None:
    model: Model[ProblemBatch] = becalm.load(trained.checkpoint, "cpu")
    form = StandardForm.of(generate("set-cover", "tiny", 2))
    cond = ProblemBatch((form,), (0,) * 64)
    bits = torch.cat([candidates(torch.full((len(form.cost),), 1.0), 0, n) for n in range(8)], dim=1).T.flatten()
    z = model.encode(bits, cond)
    true, made = violation(bits, CLEAN, cond), shared(classifier)
    eps = noise(*z.shape)
    told = made.energy(CLEAN.mix(z, eps).float(), CLEAN, cond)
    assert float(torch.corrcoef(torch.stack([told, true]))[0, 1]) > 0.8
    # Of noise alone nothing can be said but the mean: predictions hardly differ.
    assert float(made.energy(NOISY.mix(z, eps).float(), NOISY, cond).std()) < 0.5 * float(told.std())


def test_permuting_a_program_leaves_the_energy_and_permutes_its_gradient() -> None:
    program = generate("set-cover", "tiny", 1)
    rng = np.random.default_rng(1)
    columns, rows = rng.permutation(len(program.cost)), rng.permutation(len(program.row_low))
    forms = [StandardForm.of(program), StandardForm.of(permuted(program, columns, rows))]
    conds, x, made = [ProblemBatch((form,), (0,)) for form in forms], noise(len(columns), 5), fresh()
    energies = [made.energy(at, MIDDLE, cond) for at, cond in zip((x, x[columns]), conds, strict=True)]
    torch.testing.assert_close(energies[1], energies[0], rtol=1e-4, atol=1e-5)
    slopes = [gradient(made.energy, at, MIDDLE, cond) for at, cond in zip((x, x[columns]), conds, strict=True)]
    torch.testing.assert_close(slopes[1], slopes[0][columns], rtol=1e-4, atol=1e-6)
    assert bool(slopes[0][:, :-1].any()) and not bool(slopes[0][:, -1].any())


def test_the_energy_of_a_sample_does_not_know_its_neighbours() -> None:
    forms = tuple(StandardForm.of(generate(family, "tiny", 0)) for family in ("set-cover", "facility"))
    cond, made = ProblemBatch(forms, (0, 0, 1, 0)), fresh()
    x = noise(len(cond.owner), 5)
    whole = made.energy(x, MIDDLE, cond)
    for number in range(cond.size):
        alone = made.energy(x[cond.owner == number], MIDDLE, take(cond, torch.tensor([number])))
        torch.testing.assert_close(whole[number : number + 1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_its_gradient_lowers_the_violation_of_samples(trained: Trained, classifier: Path, sampler: str) -> None:
    model: Model[ProblemBatch] = becalm.load(trained.checkpoint, "cpu")
    figures = []
    for gamma in (0.0, 1.0, 10.0):
        samples = model.sample(
            count=32, steps=20, sampler=sampler, guidance=gamma, objective_weight=0.0, classifier=str(classifier)
        )
        figures.append(float(violation(samples.data, CLEAN, samples.cond).mean()))
    assert figures[0] > figures[1] > figures[2]


def test_a_classifier_of_something_else_is_refused_in_a_sentence(
    trained: Trained, classifier: Path, tmp_path: Path
) -> None:
    model: Model[ProblemBatch] = becalm.load(trained.checkpoint, "cpu")
    domain = model.domain
    assert isinstance(domain, LatentPrograms)

    def ask(path: Path) -> None:
        domain.guidance(LatentRequest(classifier=str(path)))

    ask(classifier)
    with pytest.raises(UserError, match="no classifier of violations"):
        ask(trained.encoders)
    with pytest.raises(UserError, match="there is no checkpoint"):
        ask(tmp_path / "none.safetensors")
    other = tmp_path / "other.safetensors"
    store(fresh(), "0123", {}).write(other)
    with pytest.raises(UserError, match=r"encoders 0123, this model has encoders [0-9a-f]{16}"):
        ask(other)
    wide = tmp_path / "wide.safetensors"
    store(fresh(7), domain.encoders_digest, {}).write(wide)
    with pytest.raises(UserError, match="7 numbers per entry, this model of 4"):
        ask(wide)
    whole = Checkpoint.read(classifier)
    bare = tmp_path / "bare.safetensors"
    Checkpoint(whole.tensors, {**whole.config, "shape": {"width": 0}}).write(bare)
    with pytest.raises(UserError, match="shape must hold width"):
        ask(bare)
    with pytest.raises(UserError, match="is for one of programs-latent"):
        list(run(ClassifierOptions(checkpoint="set-cover", data=str(trained.folder), out=str(other))))
    with pytest.raises(UserError, match="holdout must leave a program"):
        options = ClassifierOptions(
            checkpoint=str(trained.checkpoint), data=str(trained.folder), out=str(other), holdout=4
        )
        list(run(options))
