"""The latent route: contrast in closed form, symmetry, training, guidance through the decoder, contract."""

import math
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn import permuted
from latent_model import Trained, start

import becalm
from becalm.cond import take
from becalm.errors import UserError
from becalm.model import Model
from becalm.sampler import DDIM, last
from becalm.schedule import Cosine, levels
from becalm.testing import check_domain
from becalm.train import train
from becalm.train.resume import resume, save
from becalm_programs.families import generate
from becalm_programs.guidance.energies import violation
from becalm_programs.latent.contrast import CANDIDATES, infonce, lookalikes
from becalm_programs.latent.denoise import LatentNetwork
from becalm_programs.latent.domain import LatentPrograms, _restore
from becalm_programs.latent.embed import Embedding
from becalm_programs.latent.options import EmbedOptions
from becalm_programs.latent.train import run as embed
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample

CPU = torch.device("cpu")
SCHEDULE = Cosine()
LEVEL = SCHEDULE(torch.tensor(0.5, dtype=torch.float64))


def form(family: str, seed: int = 0) -> StandardForm:
    return StandardForm.of(generate(family, "tiny", seed))


def mixed() -> ProblemBatch:
    """Samples of three programs of different sizes: two, two, one, and one of the first again."""
    return ProblemBatch((form("set-cover"), form("facility"), form("knapsack")), (0, 0, 1, 1, 2, 0))


def network() -> LatentNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = LatentPrograms(width=16, rounds=2, dimension=4, encoder_width=8).network().eval()
    assert isinstance(made, LatentNetwork)
    return made.requires_grad_(False)


def noise(rows: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def rearranged(seed: int) -> tuple[StandardForm, StandardForm, np.ndarray]:
    """A program, the same with columns and rows in another order, and the order of the columns."""
    program = generate("set-cover", "tiny", seed)
    rng = np.random.default_rng(seed)
    columns, rows = rng.permutation(len(program.cost)), rng.permutation(len(program.row_low))
    moved = permuted(program, columns, rows)
    return StandardForm.of(program), StandardForm.of(moved), columns


def test_contrast_among_equals_is_the_logarithm_of_their_number() -> None:
    assert float(infonce(torch.full((5, 8), 0.3), 14.0)) == pytest.approx(math.log(8), abs=1e-6)


@pytest.mark.parametrize("sharpness", [0.5, 5.0])
def test_contrast_of_the_right_one_against_orthogonal_ones_has_its_closed_form(sharpness: float) -> None:
    similarity = torch.zeros(3, 8)
    similarity[:, 0] = 1
    wanted = math.log(1 + 7 * math.exp(-sharpness))
    assert float(infonce(similarity, sharpness)) == pytest.approx(wanted, rel=1e-5)


def test_a_lookalike_has_as_many_ones_and_is_a_function_of_the_seed() -> None:
    x = torch.where(torch.arange(40) % 3 == 0, 1.0, -1.0)
    made = lookalikes(x, 7, 3)
    assert made.shape == (40, CANDIDATES)
    assert torch.equal(made[:, 0], x)
    assert torch.equal(made.sum(0), x.sum().expand(CANDIDATES))
    assert torch.equal(made, lookalikes(x, 7, 3)) and not torch.equal(made, lookalikes(x, 7, 4))
    assert bool((made[:, -1] != x).sum() > (made[:, 1] != x).sum())


def test_vectors_are_laid_out_as_numbers_are() -> None:
    cond = mixed()
    x, begun = noise(len(cond.owner), 3), 0
    for block in cond.blocks:
        part = x[begun : begun + block.rows]
        begun += block.rows
        held = block.gather(part)
        assert torch.equal(block.scatter(held), part)
        assert torch.equal(held[..., 1], block.gather(part[:, 1]))


def test_permuting_a_program_permutes_embeddings_and_estimates() -> None:
    one, two, columns = rearranged(1)
    conds = [ProblemBatch((made,), (0,)) for made in (one, two)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        embedding = Embedding(width=8, dimension=4, rounds=2).eval()
    x0 = torch.where(noise(len(columns), 1)[:, 0] > 0, 1.0, -1.0)
    torch.testing.assert_close(
        embedding.encode(x0[columns], conds[1]), embedding.encode(x0, conds[0])[columns], rtol=1e-4, atol=1e-5
    )
    near = [embedding.similarity(*pair) for pair in zip(blocks(conds), (x0[:, None], x0[columns, None]), strict=True)]
    torch.testing.assert_close(near[0], near[1], rtol=1e-4, atol=1e-5)
    x, made = noise(len(columns), 5), network()
    torch.testing.assert_close(
        made(x[columns], LEVEL, conds[1]), made(x, LEVEL, conds[0])[columns], rtol=1e-4, atol=1e-5
    )


def blocks(conds: list[ProblemBatch]) -> list[Any]:
    return [cond.blocks[0] for cond in conds]


def test_permuting_a_program_permutes_the_guided_samples(trained: Trained) -> None:
    one, two, columns = rearranged(2)
    model: Model[ProblemBatch] = becalm.load(trained.checkpoint, "cpu")
    guide = model.domain.guidance(ProgramRequest(guidance=3.0, objective_weight=1.0))
    denoise, x = guide(model.denoiser()), noise(len(columns), 5)
    path = levels(SCHEDULE, 5)
    samples = [
        model.codec.decode(last(DDIM()(denoise, start, path, ProblemBatch((made,), (0,)))).x, None)
        for made, start in ((one, x), (two, x[columns]))
    ]
    torch.testing.assert_close(samples[1], samples[0][columns], rtol=1e-3, atol=1e-3)


def test_a_sample_on_the_latent_route_does_not_know_its_neighbours() -> None:
    cond, made = mixed(), network()
    x = noise(len(cond.owner), 5)
    whole = made(x, LEVEL, cond)
    for number in range(cond.size):
        rows = cond.owner == number
        alone = made(x[rows], LEVEL, take(cond, torch.tensor([number])))
        torch.testing.assert_close(whole[rows], alone, rtol=1e-4, atol=1e-5)


def test_noise_on_the_bits_is_not_looked_at() -> None:
    cond, made = mixed(), network()
    x = noise(len(cond.owner), 5)
    other = torch.cat([x[:, :-1], noise(len(x), 1, seed=1)], dim=1)
    assert torch.equal(made(x, LEVEL, cond), made(other, LEVEL, cond))


def test_energies_of_the_bits_reach_the_embedding_through_the_decoder() -> None:
    cond, domain = mixed(), LatentPrograms(width=16, rounds=2, dimension=4, encoder_width=8)
    x = noise(len(cond.owner), 5).requires_grad_()
    estimate = network()(x, LEVEL, cond)
    energy = torch.stack([energy(estimate, LEVEL, cond) for energy in domain.energies().values()]).sum(0)
    assert energy.shape == (cond.size,)
    (slope,) = torch.autograd.grad(energy[2], x)
    assert bool(slope[cond.owner == 2][:, :-1].any())
    assert not bool(slope[cond.owner != 2].any()) and not bool(slope[:, -1].any())


def test_a_solution_embedded_with_its_program_comes_back(trained: Trained) -> None:
    domain = trained.domain
    batch = next(domain.batches("train", 0))
    codec = domain.codec()
    torch.testing.assert_close(batch.x0.abs(), torch.ones_like(batch.x0))
    x0 = codec.encode(batch.x0, batch.cond)
    torch.testing.assert_close(codec.decode(x0, batch.cond), batch.x0, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(x0[:, :-1].square().mean(1), torch.ones(len(x0)), rtol=1e-2, atol=1e-2)


def test_a_program_knows_its_solution_among_look_alikes(trained: Trained) -> None:
    cells = dict(zip(trained.contrast.columns, trained.contrast.rows[0], strict=True))
    assert cells["found"] > 3 * cells["by chance"]


def test_the_decoder_reads_solutions_from_their_embeddings(trained: Trained) -> None:
    model: Model[ProblemBatch] = becalm.load(trained.checkpoint, "cpu")
    batch = next(trained.domain.batches("train", 3))
    level = SCHEDULE(torch.tensor(0.02, dtype=torch.float64))
    x0 = model.encode(batch.x0, batch.cond)
    x = level.mix(x0, noise(*x0.shape)).float()
    read = model.decode(model.denoiser()(x, level, batch.cond), batch.cond)
    assert float((read.sign() == batch.x0).float().mean()) > 0.97


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_guidance_lowers_the_violation_of_samples(trained: Trained, sampler: str) -> None:
    model: Model[ProblemBatch] = becalm.load(trained.checkpoint, "cpu")
    figures = []
    for gamma in (0.0, 3.0, 30.0):
        samples = model.sample(count=32, steps=20, sampler=sampler, guidance=gamma)
        figures.append(float(violation(samples.data, LEVEL, samples.cond).mean()))
    assert figures[0] > figures[1] > figures[2]


def test_the_objective_lowers_the_cost_of_samples(trained: Trained) -> None:
    model: Model[ProblemBatch] = becalm.load(trained.checkpoint, "cpu")
    costs = [
        float(np.mean(model.domain.verdicts(made.data, made.cond)[0].objective))
        for made in (model.sample(count=32, guidance=0.0, objective=s) for s in (0.0, 30.0))
    ]
    assert costs[1] < costs[0]


def test_a_checkpoint_needs_neither_its_encoders_file_nor_its_data(trained: Trained, tmp_path: Path) -> None:
    made = form("set-cover", 9)
    model = becalm.load(trained.checkpoint, "cpu")
    request = ProgramRequest(count=6, steps=5, tier="guided")
    one = sample(model, made, request)
    hidden = tmp_path / "hidden"
    trained.encoders.rename(hidden)
    try:
        alone = becalm.load(trained.checkpoint, "cpu")
    finally:
        hidden.rename(trained.encoders)
    assert np.array_equal(sample(alone, made, request).x, one.x)
    codecs = [each.codec.state_dict() for each in (model, alone)]
    assert all(torch.equal(value, codecs[1][name]) for name, value in codecs[0].items())


def test_a_checkpoint_beside_its_encoders_loads_in_a_new_process(trained: Trained) -> None:
    # Loading makes a draft without memory first; nothing that is kept may be of it.
    _restore.cache_clear()
    assert not any(value.is_meta for value in becalm.load(trained.checkpoint, "cpu").codec.state_dict().values())


def test_a_training_on_the_latent_route_resumed_ends_in_the_same_bits(trained: Trained, tmp_path: Path) -> None:
    whole, path = start(trained.domain, 6), tmp_path / "part.safetensors"
    list(train(whole))
    part = start(trained.domain, 6)
    list(islice(train(part), 3))
    save(part, path)
    again = resume(path, CPU)
    list(train(again))
    assert all(torch.equal(value, again.averaged()[name]) for name, value in whole.averaged().items())


def test_latent_programs_keep_the_contract(trained: Trained) -> None:
    domain: Any = trained.domain.model_copy(update={"batch": 2, "draws": 2})
    check_domain(domain, guided=False)


def test_encoders_that_do_not_fit_are_refused_in_a_sentence(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="training needs encoders"):
        next(LatentPrograms(data=str(trained.folder)).batches("train", 0))
    with pytest.raises(UserError, match="there is no checkpoint"):
        LatentPrograms(embedding=str(tmp_path / "none.safetensors")).fit()
    with pytest.raises(UserError, match="holds no embedding"):
        LatentPrograms(embedding=str(trained.checkpoint)).fit()
    with pytest.raises(UserError, match="have sizes"):
        LatentPrograms(data=str(trained.folder), embedding=str(trained.encoders), dimension=7).network()
    with pytest.raises(UserError, match="holdout must leave a program"):
        list(embed(EmbedOptions(data=str(trained.folder), out=str(tmp_path / "e.safetensors"), holdout=4)))
