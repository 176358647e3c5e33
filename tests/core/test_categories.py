"""Categories, drawn anew or masked: moves agree with noising at once, and ancestral sampling gives the data."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import becalm
from becalm.level import NoiseLevel
from becalm.process import Categories, Masked, Process
from becalm.process.categories import draw
from becalm.sampler import DDPM, sample
from becalm.schedule import Cosine, Flow, levels, levels_at

COUNT, KINDS = 20_000, 3
PROCESSES = [Categories(), Masked()]


def normal(seed: int) -> Callable[[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda like: torch.randn(like.shape, generator=generator, dtype=like.dtype)


def hot(category: int, count: int = COUNT) -> Tensor:
    return torch.eye(KINDS, dtype=torch.float64)[category].expand(count, KINDS)


def marginal(process: Process, x0: Tensor, level: NoiseLevel) -> Tensor:
    """The closed form of P(x = k), and of P(masked) at the end."""
    rest = (1 - level.alpha) * torch.ones(1, dtype=torch.float64)
    if isinstance(process, Masked):
        return torch.cat([level.alpha * x0, rest])
    return torch.cat([level.alpha * x0 + rest / KINDS, 0 * rest])


def shares(x: Tensor) -> Tensor:
    assert set(x.unique().tolist()) <= {0.0, 1.0} and bool((x.sum(-1) <= 1).all())
    return torch.cat([x.mean(0), 1 - x.sum(-1).mean()[None]])


def test_the_first_waiting_time_draws_the_category_and_whether_there_is_one_at_all() -> None:
    chance = torch.tensor([0.1, 0.6, 0.3], dtype=torch.float64).expand(COUNT, KINDS)
    torch.testing.assert_close(draw(chance * 7, normal(0)).mean(0), chance[0], atol=1.5e-2, rtol=0)
    part = draw(chance, normal(1), torch.tensor(0.25, dtype=torch.float64))
    torch.testing.assert_close(part.mean(0), 0.25 * chance[0], atol=1.5e-2, rtol=0)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.kind)
def test_moves_between_levels_agree_with_noising_at_once(process: Process) -> None:
    low, high, noise = *(Cosine()(torch.tensor(t, dtype=torch.float64)) for t in (0.3, 0.7)), normal(2)
    x0 = hot(1)
    at_low, at_high = (process.corrupt(x0, level, noise) for level in (low, high))
    for found, level in (
        (at_low, low),
        (at_high, high),
        (process.up(at_low, low, high, noise), high),
        (process.bridge(at_high, x0, high, low, noise), low),
    ):
        torch.testing.assert_close(shares(found), marginal(process, x0[0], level), atol=1.5e-2, rtol=0)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.kind)
def test_bridges_along_any_path_end_at_the_clean_sample(process: Process) -> None:
    noise, x0 = normal(3), hot(2, 200)
    path = levels_at(Flow(), (1.0, 0.8, 0.79, 0.3))
    x = process.prior(x0, path[0], noise)
    for now, to in itertools.pairwise(path):
        x = process.bridge(x, x0, now, to, noise)
    assert torch.equal(x, x0)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.kind)
def test_a_bridge_of_an_estimate_is_the_mean_of_the_bridges_of_the_categories(process: Process) -> None:
    noise, estimate = normal(4), torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    now, to = (Cosine()(torch.tensor(t, dtype=torch.float64)) for t in (0.6, 0.4))
    x = torch.zeros(COUNT, KINDS, dtype=torch.float64) if isinstance(process, Masked) else hot(0)
    each = [shares(process.bridge(x, hot(category), now, to, noise)) for category in range(KINDS)]
    # An estimate is the posterior given x, by which q(x_to | x, x0) is weighted.
    wanted = sum(weight * share for weight, share in zip(estimate, each, strict=True))
    found = shares(process.bridge(x, estimate.expand(COUNT, KINDS), now, to, noise))
    torch.testing.assert_close(found, wanted, atol=1.5e-2, rtol=0)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.kind)
def test_ancestral_sampling_with_an_exact_denoiser_gives_the_joint_distribution(process: Process) -> None:
    # Two entries of three categories; the exact denoiser enumerates the nine pairs.
    pairs = torch.tensor(list(itertools.product(range(KINDS), repeat=2)))
    codes = torch.eye(KINDS, dtype=torch.float64)[pairs]
    weights = torch.tensor([0.3, 0.02, 0.05, 0.03, 0.2, 0.05, 0.02, 0.03, 0.3], dtype=torch.float64)

    def exact(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        kept = (x[:, None] * codes).sum(-1)
        if isinstance(process, Masked):
            likely = torch.where(x.sum(-1)[:, None] == 0, 1.0, kept)
        else:
            likely = level.alpha * kept + (1 - level.alpha) / KINDS
        share = likely.prod(-1) * weights
        return torch.einsum("bp,pnk->bnk", share / share.sum(1, keepdim=True), codes)

    path, noise = levels(Flow(), 50), normal(5)
    like = torch.empty(4000, 2, KINDS, dtype=torch.float64)
    made = sample(DDPM()(exact, process.prior(like, path[0], noise), path, None, noise, process))
    found = torch.einsum("bnk,pnk->bp", made, codes) == 2
    torch.testing.assert_close(found.double().mean(0), weights, atol=0.03, rtol=0)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.kind)
def test_a_trained_network_samples_categories_and_is_read_again(process: Process) -> None:
    class Guess(torch.nn.Module):
        """The probabilities of two entries of three categories."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(7, 32), torch.nn.SiLU(), torch.nn.Linear(32, 6))

        def forward(self, x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
            angle = level.angle.float().reshape(-1, 1).expand(len(x), 1)
            out: Tensor = self.layers(torch.cat([x.flatten(1), angle], 1)).reshape(-1, 2, 3).softmax(-1)
            return out

    torch.manual_seed(0)
    first = torch.eye(3)[torch.randint(3, (900,), generator=torch.Generator().manual_seed(0))]
    data = torch.stack([first, first], 1)
    model = becalm.fit(
        Guess(),
        data,
        process=process,
        schedule={"kind": "flow"},
        objective={"kind": "categorical", "drop": 0},
        training={"steps": 220, "rate": 2e-2, "precision": "fp32"},
    )
    made = model.sample(count=300, steps=20, sampler="ddpm", seed=1).data
    assert bool((made.sum(-1) == 1).all())
    assert float((made[:, 0] == made[:, 1]).all(1).float().mean()) > 0.85
    assert model.process == process
