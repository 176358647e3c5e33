"""Schedules agree with their formulas, written a second time in forty digits."""

import math
from collections.abc import Callable
from decimal import Decimal, getcontext
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from known import ALL, VP, name
from pydantic import TypeAdapter

from becalm.errors import UserError
from becalm.schedule import (
    Cosine,
    Discrete,
    Flow,
    Karras,
    Linear,
    NoiseSchedule,
    Schedule,
    Sigmoid,
    VarianceExploding,
    VariancePreserving,
    betas,
    rescale_zero_terminal_snr,
    terminal_snr_is_zero,
    time_of_ratio,
)

getcontext().prec = 40
PI = Decimal("3.141592653589793238462643383279502884197")
times = st.floats(0, 1)


def sine(value: Decimal) -> Decimal:
    term, total, power = value, value, 1
    while abs(term) > Decimal("1e-45"):
        term *= -value * value / ((power + 1) * (power + 2))
        total, power = total + term, power + 2
    return total


def linear(model: Any, steps: int) -> list[tuple[Decimal, Decimal]]:
    first, last = Decimal(model.first), Decimal(model.last)
    signal, rows = Decimal(1), [(Decimal(1), Decimal(0))]
    for index in range(steps):
        signal *= 1 - (first + (last - first) * index / max(steps - 1, 1))
        rows.append((signal.sqrt(), (1 - signal).sqrt()))
    return rows


def cosine(model: Any, t: Decimal) -> tuple[Decimal, Decimal]:
    offset = Decimal(model.offset)

    def curve(time: Decimal) -> Decimal:
        return sine(PI / 2 - (time + offset) / (1 + offset) * PI / 2) ** 2

    signal = curve(t) / curve(Decimal(0))
    return signal.sqrt(), (1 - signal).sqrt()


def sigmoid(model: Any, t: Decimal) -> tuple[Decimal, Decimal]:
    start, end, tau = (Decimal(value) for value in (model.start, model.end, model.tau))

    def curve(value: Decimal) -> Decimal:
        return 1 / (1 + (-value / tau).exp())

    signal = (curve(end) - curve(start + t * (end - start))) / (curve(end) - curve(start))
    return signal.sqrt(), (1 - signal).sqrt()


def karras(model: Any, t: Decimal) -> tuple[Decimal, Decimal]:
    low, high, rho = (Decimal(value) for value in (model.low, model.high, model.rho))
    return Decimal(1), (low ** (1 / rho) + t * (high ** (1 / rho) - low ** (1 / rho))) ** rho


def exploding(model: Any, t: Decimal) -> tuple[Decimal, Decimal]:
    return Decimal(1), Decimal(model.low) * (Decimal(model.high) / Decimal(model.low)) ** t


def preserving(model: Any, t: Decimal) -> tuple[Decimal, Decimal]:
    low, high = Decimal(model.beta_min), Decimal(model.beta_max)
    signal = (-(t * t * (high - low) / 2 + t * low)).exp()
    return signal.sqrt(), (1 - signal).sqrt()


def flow(model: Any, t: Decimal) -> tuple[Decimal, Decimal]:
    return 1 - t, t


def assert_same(found: torch.Tensor, wanted: list[Decimal]) -> None:
    table = torch.tensor([float(value) for value in wanted], dtype=torch.float64)
    torch.testing.assert_close(found, table, rtol=1e-9, atol=0)


@pytest.mark.parametrize("steps", [1, 10, 1000, 4000])
def test_linear_table_is_the_product_of_its_betas(steps: int) -> None:
    schedule = Linear(steps=steps, last=0.02 if steps > 10 else 0.5)
    level = schedule(torch.arange(steps + 1, dtype=torch.float64) / steps)
    rows = linear(schedule, steps)
    assert_same(level.alpha, [alpha for alpha, _ in rows])
    assert_same(level.sigma, [sigma for _, sigma in rows])


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (Cosine(), cosine),
        (Cosine(offset=0.1), cosine),
        (Sigmoid(), sigmoid),
        (Sigmoid(start=0, end=3, tau=0.3), sigmoid),
        (Karras(), karras),
        (Karras(low=0.01, high=500, rho=3), karras),
        (VarianceExploding(), exploding),
        (VariancePreserving(), preserving),
        (Flow(), flow),
    ],
    ids=name,
)
def test_continuous_schedules_are_their_formulas(
    schedule: NoiseSchedule, formula: Callable[[Any, Decimal], tuple[Decimal, Decimal]]
) -> None:
    near = torch.tensor([1e-9, 1e-6, 1e-3, 0.999, 1 - 1e-6], dtype=torch.float64)
    t = torch.cat([torch.arange(1, 100, dtype=torch.float64) / 100, near])
    level = schedule(t)
    wanted = [formula(schedule, Decimal(float(value))) for value in t]
    assert_same(level.alpha, [alpha for alpha, _ in wanted])
    assert_same(level.sigma, [sigma for _, sigma in wanted])


@pytest.mark.parametrize("schedule", VP, ids=name)
@given(t=times)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_variance_preserving_schedules_preserve_variance(schedule: NoiseSchedule, t: float) -> None:
    level = schedule(torch.tensor(t, dtype=torch.float64))
    assert float(level.alpha**2 + level.sigma**2) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("schedule", ALL, ids=name)
@given(pair=st.tuples(times, times))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_later_is_noisier(schedule: NoiseSchedule, pair: tuple[float, float]) -> None:
    early, late = schedule(torch.tensor(sorted(pair), dtype=torch.float64)).angle
    assert early <= late
    assert early < late or pair[0] == pytest.approx(pair[1], abs=1e-12)


@pytest.mark.parametrize("schedule", ALL, ids=name)
def test_schedules_are_what_their_configuration_says(schedule: Any) -> None:
    again = TypeAdapter(Schedule).validate_json(schedule.model_dump_json())
    t = torch.linspace(0, 1, 101, dtype=torch.float64)
    assert again == schedule
    assert torch.equal(again(t).alpha, schedule(t).alpha)


@pytest.mark.parametrize("schedule", [*VP, Flow()], ids=name)
def test_time_zero_is_clean(schedule: NoiseSchedule) -> None:
    level = schedule(torch.zeros((), dtype=torch.float64))
    assert float(level.alpha) == pytest.approx(1, abs=1e-15)
    assert float(level.sigma) == 0


@pytest.mark.parametrize("schedule", [Cosine(), Sigmoid(), Flow(), Discrete(betas=(0.5, 1.0))], ids=name)
def test_zero_terminal_snr_is_exact(schedule: NoiseSchedule) -> None:
    level = schedule(torch.ones((), dtype=torch.float64))
    assert float(level.alpha) == 0
    assert float(level.sigma) == pytest.approx(1, abs=1e-15)
    assert terminal_snr_is_zero(schedule)


@pytest.mark.parametrize("schedule", VP, ids=name)
@pytest.mark.parametrize("steps", [4, 100, 1000])
def test_betas_hold_the_same_levels_as_their_schedule(schedule: NoiseSchedule, steps: int) -> None:
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    table, level = Discrete(betas=tuple(betas(schedule, steps).tolist()))(t), schedule(t)
    torch.testing.assert_close(table.alpha, level.alpha, rtol=1e-9, atol=1e-15)
    torch.testing.assert_close(table.sigma, level.sigma, rtol=1e-9, atol=1e-15)


@given(values=st.lists(st.floats(1e-6, 0.9), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_betas_survive_the_way_through_a_schedule(values: list[float]) -> None:
    # A beta below 1e-9 of the signal that is left cannot survive in alpha and sigma; thirty of .9 leave 1e-30.
    kept = [value for index, value in enumerate(values) if math.prod(1 - beta for beta in values[: index + 1]) > 1e-6]
    if kept:
        again = betas(Discrete(betas=tuple(kept)), len(kept))
        torch.testing.assert_close(again, torch.tensor(kept, dtype=torch.float64), rtol=1e-9, atol=1e-15)


def test_betas_of_linear_are_linear() -> None:
    wanted = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    torch.testing.assert_close(betas(Linear(), 1000), wanted, rtol=1e-9, atol=0)


@pytest.mark.parametrize("schedule", [Flow(), Karras(), VarianceExploding()], ids=name)
def test_only_variance_preserving_schedules_have_betas(schedule: NoiseSchedule) -> None:
    with pytest.raises(ValueError, match=r"^betas exist only for variance-preserving schedules"):
        betas(schedule, 10)


def test_rescaling_moves_the_last_level_to_pure_noise_and_keeps_the_first() -> None:
    original = betas(Linear(), 1000)
    rescaled = Discrete(betas=tuple(rescale_zero_terminal_snr(original).tolist()))
    t = torch.arange(1, 1001, dtype=torch.float64) / 1000
    alpha, before = rescaled(t).alpha, Linear()(t).alpha
    assert float(alpha[-1]) == 0
    assert float(alpha[0]) == pytest.approx(float(before[0]), rel=1e-12)
    wanted = (before - before[-1]) * before[0] / (before[0] - before[-1])
    torch.testing.assert_close(alpha, wanted, rtol=1e-9, atol=1e-15)
    assert terminal_snr_is_zero(rescaled)
    assert not terminal_snr_is_zero(Linear())


def test_rescaling_twice_changes_nothing() -> None:
    once = rescale_zero_terminal_snr(betas(Linear(), 100))
    torch.testing.assert_close(rescale_zero_terminal_snr(once), once, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("schedule", ALL, ids=name)
@given(t=st.floats(1e-6, 1 - 1e-6))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_time_is_found_again_from_its_ratio(schedule: NoiseSchedule, t: float) -> None:
    ratio = schedule(torch.tensor(t, dtype=torch.float64)).ratio
    assert float(time_of_ratio(schedule, ratio)) == pytest.approx(t, abs=1e-9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Linear(steps=0),
        lambda: Linear(last=1.0),
        lambda: Cosine(offset=-1),
        lambda: Sigmoid(start=2, end=1),
        lambda: Sigmoid(tau=1e-4),
        lambda: Karras(low=3, high=2),
        lambda: VarianceExploding(low=1, high=1),
        lambda: VariancePreserving(beta_min=0),
        lambda: Discrete(betas=()),
        lambda: Discrete(betas=(0.1, 1.2)),
        lambda: Discrete(betas=(1.0, 0.1)),
        lambda: Linear(stepz=3),
    ],
)
def test_wrong_schedules_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(UserError):
        make()


def test_betas_and_rescaling_need_enough_steps() -> None:
    with pytest.raises(ValueError, match=r"^steps must be at least 1, got 0$"):
        betas(Linear(), 0)
    with pytest.raises(ValueError, match=r"^zero-terminal-SNR rescaling needs at least 2 betas, got 1$"):
        rescale_zero_terminal_snr(torch.tensor([0.5]))
