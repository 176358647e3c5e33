"""The ODE's log-likelihood is that of the analytic density, whatever the schedule, the solver and the company."""

import math

import pytest
import torch
from torch import Tensor

from becalm.codec import Affine
from becalm.denoiser import GaussianMixture
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.likelihood import data_nats, grid, log_det, nats
from becalm.noise import Purpose, stream
from becalm.path import Path
from becalm.schedule import Cosine, Flow, NoiseSchedule


def seeded(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


MIXTURE = GaussianMixture(
    torch.tensor([0.3, 0.5, 0.2], dtype=torch.float64),
    1.5 * seeded(3, 3),
    torch.tensor([0.3, 0.6, 0.2], dtype=torch.float64),
)
X0 = MIXTURE.draw(12, torch.Generator().manual_seed(1))


def smoothed(x0: Tensor, path: Path) -> Tensor:
    """The log density of x0 at the path's last noisy level, in the scale of x0."""
    last = path[-2]
    return MIXTURE.log_density(x0 * last.alpha, last) + x0[0].numel() * last.alpha.log()


@pytest.mark.parametrize("schedule", [Cosine(), Flow()], ids=lambda schedule: schedule.kind)
def test_it_is_that_of_a_mixture_within_1e_4_nats(schedule: NoiseSchedule) -> None:
    path = grid(schedule, 4, 0.01)
    found = nats(MIXTURE, X0, path, None, tolerance=1e-6)
    torch.testing.assert_close(found, smoothed(X0, path), rtol=0, atol=1e-4)


def test_heun_is_of_second_order() -> None:
    errors = []
    for steps in (60, 120):
        path = grid(Cosine(), steps, 0.05)
        errors.append(float((nats(MIXTURE, X0, path, None) - smoothed(X0, path)).abs().mean()))
    assert 1.8 < math.log2(errors[0] / errors[1]) < 2.2


def test_data_of_one_point_are_exact_in_any_number_of_steps() -> None:
    point = GaussianMixture(torch.ones(1), torch.zeros(1, 2, dtype=torch.float64), torch.zeros(1))
    x0 = 0.1 * seeded(5, 2)
    for steps in (1, 3):
        path = grid(Flow(), steps, 0.1)
        std = path[-2].ratio
        wanted = -0.5 * (x0 / std).square().sum(1) - 2 * std.log() - math.log(2 * math.pi)
        torch.testing.assert_close(nats(point, x0, path, None), wanted, rtol=1e-9, atol=1e-9)


def test_random_signs_are_unbiased() -> None:
    path = grid(Flow(), 12, 0.1)
    one = X0[:1].expand(2000, -1)
    noise = stream(3, torch.arange(2000), Purpose.PROBE)
    found = nats(Skewed(), one, path, None, 1, noise=noise)
    exact = float(nats(Skewed(), one[:1], path, None))
    assert float(found.std()) > 0.01
    assert abs(float(found.mean()) - exact) < 3 * float(found.std()) / 2000**0.5


class Skewed:
    """A denoiser whose Jacobian is not diagonal, so that signs differ."""

    def __call__(self, x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        return 0.5 * x + 0.2 * torch.tanh(x + x.roll(1, 1))


@pytest.mark.parametrize(("probes", "tolerance"), [(None, None), (2, None), (None, 1e-3)])
def test_a_sample_does_not_depend_on_its_company(probes: int | None, tolerance: float | None) -> None:
    path = grid(Cosine(), 8, 0.1)
    whole = nats(Skewed(), X0, path, None, probes, tolerance=tolerance)
    numbers = torch.arange(4, 7)
    noise = stream(0, numbers, Purpose.PROBE)
    part = nats(Skewed(), X0[4:7], path, None, probes, tolerance=tolerance, noise=noise)
    torch.testing.assert_close(part, whole[4:7], rtol=1e-12, atol=1e-12)


class Ragged:
    """Conditions of samples of several rows."""

    owner = torch.tensor([0, 0, 0, 1, 2, 2])
    size = 3


@pytest.mark.parametrize("tolerance", [None, 1e-4])
def test_samples_of_several_rows_are_sums_over_their_rows_where_rows_are_independent(tolerance: float | None) -> None:
    def denoise(x: Tensor, level: NoiseLevel, cond: object) -> Tensor:
        return x / (1 + level.ratio)

    path, x0 = grid(Flow(), 10, 0.1), seeded(6, 2)
    each = nats(denoise, x0, path, None, tolerance=1e-7 if tolerance else None)
    found = nats(denoise, x0, path, Ragged(), tolerance=tolerance)
    wanted = torch.zeros(3, dtype=torch.float64).index_add(0, Ragged.owner, each)
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-3 if tolerance else 1e-10)


def test_a_codec_changes_the_density_by_its_determinant() -> None:
    codec = Affine(torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([0.5, 2.0, 4.0]).double())
    path = grid(Cosine(), 10, 0.1)
    found = data_nats(MIXTURE, codec, codec.decode(X0), path, None)
    torch.testing.assert_close(found, nats(MIXTURE, X0, path, None) - math.log(4.0), rtol=1e-12, atol=1e-12)


def test_what_cannot_be_integrated_is_refused_in_a_sentence() -> None:
    path = grid(Cosine(), 3)
    with pytest.raises(UserError, match=r"^probes must be at least 1, got 0$"):
        nats(MIXTURE, X0, path, None, 0)
    with pytest.raises(UserError, match=r"^tolerance must be above 0, got -1$"):
        nats(MIXTURE, X0, path, None, tolerance=-1)
    with pytest.raises(UserError, match="descends over at least two noisy levels"):
        nats(MIXTURE, X0, path.reversed(), None)
    with pytest.raises(UserError, match="computes no gradient"):
        nats(lambda x, level, cond: torch.zeros_like(x), X0, path, None)
    with pytest.raises(UserError, match=r"^steps must be at least 1, got 0$"):
        grid(Cosine(), 0)
    with pytest.raises(UserError, match="least must be from"):
        grid(Cosine(), 3, -1.0)
    with pytest.raises(UserError, match="has no log-determinant"):
        log_det(object(), X0, None)  # type: ignore[arg-type]
