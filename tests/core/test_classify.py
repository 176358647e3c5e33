"""The condition that denoises best is the one that a sample is of, found by few calls, whatever the batch."""

import math

import pytest
import torch
from torch import Tensor

from becalm.classify import Contest, classify
from becalm.denoiser import GaussianMixture
from becalm.noise import Purpose, stream
from becalm.process import Bits
from becalm.schedule import Cosine, levels_at

NUMBERS = torch.arange(4)


@pytest.fixture
def mixture() -> GaussianMixture:
    means = torch.tensor([[2.0, 0, 0, 0, 0], [0, 2, 0, 0, 0], [0, 0, 2, 0, 0], [1, 1, 0, 2, 0]])
    return GaussianMixture(torch.full((4,), 0.25), means, torch.full((4,), 0.4))


def contest(count: int = 30, margin: float = 4.0) -> Contest:
    path = levels_at(Cosine(), (0.9, 0.8, 0.7, 0.6, 0.5))
    return Contest([path[number % 5] for number in range(count)], margin=margin)


def test_the_smallest_error_names_the_component_that_the_exact_posterior_names(mixture: GaussianMixture) -> None:
    x0 = mixture.draw(200, torch.Generator().manual_seed(0))
    [level, _] = levels_at(Cosine(), (1e-4,))
    found = classify(contest(60), mixture, x0, NUMBERS)
    assert float((found.chosen == mixture.posterior(x0, level).argmax(1)).float().mean()) > 0.97


def test_candidates_far_behind_cost_few_calls_and_the_answer_stays(mixture: GaussianMixture) -> None:
    x0 = mixture.draw(200, torch.Generator().manual_seed(0))
    whole, short = (classify(contest(30, margin), mixture, x0, NUMBERS) for margin in (math.inf, 4.0))
    assert bool((whole.calls == 30 * 4).all()) and bool(whole.left.all())
    assert float(short.calls.float().mean()) < 60
    assert float((short.chosen == whole.chosen).float().mean()) > 0.98
    assert bool(short.left.gather(1, short.chosen[:, None]).all())


def test_errors_are_those_of_common_noise_and_its_opposite_at_common_levels(mixture: GaussianMixture) -> None:
    x0, wanted = mixture.draw(6, torch.Generator().manual_seed(1)), torch.zeros(6, 4, dtype=torch.float64)
    several = contest(7, math.inf)
    for number, level in enumerate(several.levels):
        eps = stream(3, torch.arange(6) + 10, Purpose.CLASSIFY, first_step=number // 2)(x0)
        x = level.mix(x0, eps if number % 2 == 0 else -eps)
        for name in NUMBERS:
            guess = level.eps(x, mixture(x, level, name.expand(6)))
            wanted[:, name] += ((guess - level.eps(x, x0)) ** 2).double().mean(1) / 7
    found = classify(several, mixture, x0, NUMBERS, seed=3, first=10)
    torch.testing.assert_close(found.error, wanted, rtol=1e-4, atol=1e-6)


def test_an_answer_depends_on_the_seed_and_the_samples_number_alone(mixture: GaussianMixture) -> None:
    x0 = mixture.draw(40, torch.Generator().manual_seed(2)).double()
    together = classify(contest(), mixture, x0, NUMBERS, seed=5)
    part = classify(contest(), mixture, x0[17:23], NUMBERS, seed=5, first=17, batch=3)
    assert torch.equal(part.chosen, together.chosen[17:23]) and torch.equal(part.calls, together.calls[17:23])
    torch.testing.assert_close(part.error, together.error[17:23], rtol=1e-12, atol=0)


def test_bits_are_classified_by_the_error_of_their_estimate() -> None:
    sides = torch.tensor([[0.9, 0.9, 0.0], [-0.9, -0.9, 0.0]])
    x0 = torch.tensor([[1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])

    def means(x: Tensor, level: object, cond: Tensor) -> Tensor:
        return sides[cond]

    assert classify(contest(), means, x0, torch.arange(2), process=Bits()).chosen.tolist() == [0, 1]


def test_contests_that_decide_nothing_are_refused(mixture: GaussianMixture) -> None:
    path = levels_at(Cosine(), (0.5,))
    wrong = [
        (lambda: Contest([]), "at least one level"),
        (lambda: Contest(path), "that hold noise"),
        (lambda: Contest(path[:1], [1.0, 2.0]), "a weight for each of 1 levels, got 2"),
        (lambda: Contest(path[:1], least=1), "least must be at least 2, got 1"),
        (lambda: Contest(path[:1], margin=0), "margin must be above 0, got 0"),
        (lambda: classify(contest(), mixture, torch.zeros(2, 5), torch.arange(1)), "at least 2 candidates, got 1"),
        (lambda: classify(contest(), mixture, torch.full((2, 5), torch.nan), NUMBERS), "errors are not finite"),
    ]
    for make, sentence in wrong:
        with pytest.raises(ValueError, match=sentence):
            make()
