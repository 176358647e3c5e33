"""Guidance is Denoiser -> Denoiser: per sample, composable, and no dearer than it says."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from guided import MIXTURE, TIMES, Counted, at_time, draw, drop, gaussian, posterior_energy
from torch import Tensor

from becalm.denoiser import Denoiser
from becalm.guidance import (
    ClassifierFree,
    Descend,
    Guidance,
    clamp,
    compose,
    dynamic_threshold,
    hold,
    interval,
    project,
    rescale,
    total,
)
from becalm.level import NoiseLevel
from becalm.sampler import DDIM, DDPM, DPMpp2M, sample
from becalm.schedule import Cosine, levels


def test_scale_1_is_the_conditional_to_the_bit_at_one_call() -> None:
    counted, cond = Counted(), torch.tensor([0, 1, 2])
    x, level = draw(3, 2), at_time(0.5)
    guided = ClassifierFree(1.0, drop)(counted)
    assert torch.equal(guided(x, level, cond), MIXTURE(x, level, cond))
    assert counted.calls == [3]


def test_scale_0_is_the_unconditional_to_the_bit_at_one_call() -> None:
    counted, cond = Counted(), torch.tensor([0, 1, 2])
    x, level = draw(3, 2), at_time(0.5)
    guided = ClassifierFree(0.0, drop)(counted)
    assert torch.equal(guided(x, level, cond), MIXTURE(x, level, None))
    assert counted.calls == [3]


@pytest.mark.parametrize("scale", [0.5, 2.0, 7.5])
def test_one_batched_call_equals_two(scale: float) -> None:
    counted, cond = Counted(), torch.tensor([0, 1, 2])
    x, level = draw(3, 2), at_time(0.5)
    guided = ClassifierFree(scale, drop)(counted)(x, level, cond)
    bare, conditional = MIXTURE(x, level, None), MIXTURE(x, level, cond)
    assert torch.equal(guided, bare + scale * (conditional - bare))
    assert counted.calls == [6]


def test_a_scale_may_depend_on_the_level() -> None:
    x, cond = draw(3, 2), torch.tensor([0, 1, 2])
    guided = ClassifierFree(lambda level: 4 * level.sigma, drop)(MIXTURE)
    for t in TIMES:
        fixed = ClassifierFree(4 * float(at_time(t).sigma), drop)(MIXTURE)
        assert torch.equal(guided(x, at_time(t), cond), fixed(x, at_time(t), cond))


GUIDES: dict[str, Guidance[Tensor]] = {
    "classifier-free": ClassifierFree(3.0, drop),
    "noisy": Descend(posterior_energy, 2.0, "noisy"),
    "clean": Descend(posterior_energy, 0.5, "clean"),
    "through": Descend(posterior_energy, 0.5, "through"),
    "clamp": clamp(-1, 1),
    "dynamic": dynamic_threshold(0.9, 0.5),
    "rescaled": rescale(0.7, ClassifierFree(3.0, drop)),
    "interval": interval(ClassifierFree(3.0, drop), 0.2, 0.6),
    "composed": compose(ClassifierFree(2.0, drop), Descend(posterior_energy, 0.5, "clean"), clamp(-2, 2)),
}


@pytest.mark.parametrize("name", GUIDES)
@pytest.mark.parametrize("t", [0.05, 0.5, 0.95])
def test_samples_of_a_batch_never_couple(name: str, t: float) -> None:
    guided = GUIDES[name](MIXTURE)
    x, cond, level = draw(12, 2).float(), torch.arange(12) % 3, at_time(t)
    whole = guided(x, level, cond)
    for index in (
        torch.randperm(12, generator=torch.Generator().manual_seed(0)),
        torch.tensor([3, 3, 5]),
        torch.tensor([7]),
    ):
        assert torch.equal(guided(x[index], level, cond[index]), whole[index])


@pytest.mark.parametrize("name", GUIDES)
def test_every_guidance_works_inside_a_sampler(name: str) -> None:
    made = sample(DPMpp2M()(GUIDES[name](MIXTURE), draw(6, 2), levels(Cosine(), 8), torch.arange(6) % 3))
    assert bool(torch.isfinite(made).all()) and not made.requires_grad


def test_clamp_keeps_the_range_and_changes_nothing_inside() -> None:
    x, level = 5 * draw(20, 2), at_time(0.2)
    bare, kept = MIXTURE(x, level), clamp(-1.0, 0.5)(MIXTURE)(x, level, None)  # type: ignore[arg-type]
    assert torch.equal(kept, bare.clamp(-1.0, 0.5))


def test_dynamic_threshold_scales_only_samples_that_overflow() -> None:
    estimate = torch.tensor([[0.5, -0.9, 0.1, 0.2], [3.0, -2.0, 1.0, 0.0]], dtype=torch.float64)
    bound = torch.quantile(estimate[1].abs(), 0.9)
    guided = dynamic_threshold(0.9)(lambda x, level, cond: x)
    found = guided(estimate, at_time(0.5), None)
    assert torch.equal(found[0], estimate[0])
    torch.testing.assert_close(found[1], estimate[1].clamp(-bound, bound) / bound, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sampler", [DDIM(), DDPM(), DPMpp2M()], ids=lambda sampler: type(sampler).__name__)
def test_held_entries_are_exact_at_the_end(sampler: Any) -> None:
    known, mask = torch.tensor([[1.7, 0.0]]).double(), torch.tensor([True, False])
    guided = hold(known, mask)(MIXTURE)
    made = sample(sampler(guided, draw(16, 2), levels(Cosine(), 20), None))
    assert torch.equal(made[:, 0], known[:, 0].expand(16))


def correlated(x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
    """The exact denoiser of N(0, [[1, .8], [.8, 1]])."""
    cov = torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=torch.float64)
    inner = level.alpha**2 * cov + level.sigma**2 * torch.eye(2, dtype=torch.float64)
    return level.alpha * x @ torch.linalg.solve(inner, cov)


@pytest.mark.parametrize("sampler", [DDIM(), DDPM(), DPMpp2M()], ids=lambda sampler: sampler.name)
def test_holding_one_coordinate_of_a_gaussian_draws_the_other_from_its_conditional(sampler: Any) -> None:
    # N(.8 * 1.5, .36). Replacing alone sees the known entry only as noisy as the rest (Trippe et al. 2023).
    known, mask = torch.tensor([[1.5, 0.0]]).double(), torch.tensor([True, False])
    generator = torch.Generator().manual_seed(0)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    made = sample(sampler(hold(known, mask)(correlated), draw(4000, 2, seed=1), levels(Cosine(), 100), None, noise))
    assert abs(float(made[:, 1].mean()) - 1.2) < 0.04
    assert abs(float(made[:, 1].std()) - 0.6) < 0.03
    assert torch.equal(made[:, 0], torch.full_like(made[:, 0], 1.5))


def test_as_many_iterations_as_entries_are_known_give_the_conditional_mean_of_gaussian_data() -> None:
    root = draw(5, 5, seed=3)
    cov = root @ root.T + 0.1 * torch.eye(5)
    known, mask = draw(1, 5, seed=4), torch.tensor([True, False, True, True, False])

    def exact(x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
        return level.alpha * x @ torch.linalg.solve(level.alpha**2 * cov + level.sigma**2 * torch.eye(5), cov)

    for t in (0.1, 0.5, 0.9):
        level, x = at_time(t), draw(8, 5)
        left = cov - level.alpha**2 * cov @ torch.linalg.solve(
            level.alpha**2 * cov + level.sigma**2 * torch.eye(5), cov
        )
        x0, gain = exact(x, level, None), left[:, mask] @ torch.linalg.inv(left[mask][:, mask])
        wanted = x0 + (known - x0)[:, mask] @ gain.T
        torch.testing.assert_close(hold(known, mask, iterations=3)(exact)(x, level, None), wanted, rtol=1e-6, atol=1e-8)


def test_holding_an_independent_coordinate_does_not_touch_the_others() -> None:
    data = gaussian([0.0, 0.0], 1.0)
    known, mask = torch.tensor([[1.7, 0.0]]).double(), torch.tensor([True, False])
    x, path = draw(16, 2), levels(Cosine(), 20)
    free, held = (sample(DDIM()(denoise, x, path, None)) for denoise in (data, hold(known, mask)(data)))
    assert torch.equal(free[:, 1], held[:, 1])


def test_values_of_each_sample_are_held_for_as_many_samples_and_no_others() -> None:
    known, mask = draw(4, 2, seed=1), torch.tensor([True, False])
    made = sample(DDIM()(hold(known, mask)(MIXTURE), draw(4, 2), levels(Cosine(), 9), None))
    assert torch.equal(made[:, 0], known[:, 0])
    with pytest.raises(ValueError, match=r"^hold has values of 4 samples, got 6: draw as many at a time$"):
        sample(DDIM()(hold(known, mask)(MIXTURE), draw(6, 2), levels(Cosine(), 9), None))


def test_rescale_1_restores_the_spread_and_0_changes_nothing() -> None:
    def spread(x: Tensor) -> Tensor:
        return x.flatten(1).std(1)

    x, level, cond = draw(9, 2), at_time(0.4), torch.arange(9) % 3
    guide = ClassifierFree(4.0, drop)
    plain, guided = MIXTURE(x, level, cond), guide(MIXTURE)(x, level, cond)
    torch.testing.assert_close(
        spread(rescale(1.0, guide)(MIXTURE)(x, level, cond)), spread(plain), rtol=1e-10, atol=1e-12
    )
    assert torch.equal(rescale(0.0, guide)(MIXTURE)(x, level, cond), guided)


def test_rescaling_classifier_free_guidance_costs_no_call_and_any_other_one() -> None:
    x, level, cond = draw(3, 2), at_time(0.4), torch.arange(3)
    counted = Counted()
    rescale(0.7, ClassifierFree(4.0, drop))(counted)(x, level, cond)
    assert counted.calls == [6]
    counted = Counted()
    rescale(0.7, Descend(posterior_energy, 1.0))(counted)(x, level, cond)
    assert counted.calls == [3, 3]


def test_outside_its_interval_guidance_costs_nothing() -> None:
    x, cond, counted = draw(3, 2), torch.arange(3), Counted()
    guided = interval(ClassifierFree(4.0, drop), 0.3, 0.6)(counted)
    for t, size in ((0.2, 3), (0.3, 6), (0.5, 6), (0.6, 6), (0.7, 3)):
        counted.calls.clear()
        found = guided(x, at_time(t), cond)
        assert counted.calls == [size]
        if size == 3:
            assert torch.equal(found, MIXTURE(x, at_time(t), cond))


def test_project_replaces_the_estimate() -> None:
    x, level = draw(3, 2), at_time(0.4)
    guided = project(lambda x0, level, cond: x0.round())(MIXTURE)
    assert torch.equal(guided(x, level, None), MIXTURE(x, level).round())  # type: ignore[arg-type]


def test_the_first_guidance_is_nearest_the_network() -> None:
    def add(amount: float) -> Guidance[Any]:
        return project(lambda x0, level, cond: x0 + amount)

    def double(denoise: Denoiser[Any]) -> Denoiser[Any]:
        return lambda x, level, cond: 2 * denoise(x, level, cond)

    bare = Counted(lambda x, level, cond: torch.zeros_like(x))
    x, level = draw(2, 2), at_time(0.5)
    assert float(compose(add(1.0), double)(bare)(x, level, None)[0, 0]) == 2.0
    assert float(compose(double, add(1.0))(bare)(x, level, None)[0, 0]) == 1.0
    assert compose()(bare) is bare


def test_total_is_a_weighted_sum_of_energies() -> None:
    x, level = draw(3, 2), at_time(0.5)
    energy = total((2.0, lambda x, level, cond: x[:, 0]), (-1.0, lambda x, level, cond: x[:, 1]))
    torch.testing.assert_close(energy(x, level, None), 2 * x[:, 0] - x[:, 1])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Descend(posterior_energy, 1.0, "nowhere"), "where must be noisy, clean or through, got 'nowhere'"),  # type: ignore[arg-type]
        (lambda: rescale(1.5, clamp(0, 1)), "phi must be between 0 and 1, got 1.5"),
        (lambda: interval(clamp(0, 1), 0.7, 0.2), "0 <= low <= high <= 1"),
        (lambda: dynamic_threshold(0.0), "quantile must be above 0"),
    ],
)
def test_wrong_guidance_is_refused_in_a_sentence(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
