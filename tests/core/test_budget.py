"""A training by the clock: the rate falls with the time and ends with it, and what is spent is spent once."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from trainings import CPU, fresh

from becalm.train import Training, loop, train
from becalm.train.resume import resume, save
from becalm.train.settings import rate_at


@pytest.mark.parametrize("decay", ["cosine", "cooldown", "constant"])
@pytest.mark.parametrize("pace", [3, 10_000])
def test_the_rate_falls_with_the_time_and_ends_with_it(decay: Any, pace: int) -> None:
    training = Training(minutes=2, warmup=100, rate=2.0, decay=decay, cooldown=0.5)
    assert training.steps is None
    steps = [pace * number // 1000 for number in range(1001)]
    rates = [rate_at(training, step, 0.12 * number) for number, step in enumerate(steps)]
    # The warm-up is over after its steps, or after a twentieth of the time where these are too many.
    risen = min(50, next((number for number, step in enumerate(steps) if step >= 99), 50))
    assert rates[0] == pytest.approx(0.02) and rates[risen] == pytest.approx(2.0, rel=0.01)
    assert all(later >= earlier for earlier, later in zip(rates[:risen], rates[1:risen], strict=False))
    assert all(later <= earlier for earlier, later in zip(rates[risen:], rates[risen + 1 :], strict=False))
    assert rates[-1] == (2.0 if decay == "constant" else 0.0) == rate_at(training, 7, 500.0)


@pytest.mark.parametrize("decay", ["cosine", "cooldown"])
def test_of_steps_and_minutes_what_ends_first_counts(decay: Any) -> None:
    both = Training(steps=100, minutes=1, warmup=0, decay=decay)
    slow, fast = Training(minutes=1, warmup=0, decay=decay), Training(steps=100, warmup=0, decay=decay)
    for step, seconds in ((10, 30.0), (90, 30.0), (50, 59.0)):
        assert rate_at(both, step, seconds) == min(rate_at(slow, step, seconds), rate_at(fast, step))
    assert both.used(100, 1.0).over and both.used(3, 60.0).over and not both.used(99, 59.9).over
    assert (fast.used(25, 1e9), slow.used(10**9, 15.0)) == ((25, 100), (15.0, 60.0))


def test_a_training_that_never_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="some steps or some minutes"):
        Training(steps=None)


def test_a_training_by_the_clock_stopped_and_resumed_spends_its_time_once(
    installed_toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count(100.0)  # The clock is read once at the beginning and after each step: a second a step.
    monkeypatch.setattr(loop.time, "perf_counter", lambda: next(ticks))
    path, rates = tmp_path / "points.safetensors", list[float]()
    state = fresh(steps=None, minutes=1, warmup=0, decay="cooldown")
    for stops in (True, True, False):
        for number, step in enumerate(train(state), 1):
            rates.append(step.rate)
            if number == 20:
                save(state, path)
            if stops and number == 21:
                rates.pop()  # What comes after a save is lost, and so is its time.
                break
        state = resume(path, CPU) if stops else state
    assert (state.step, state.seconds, len(rates)) == (60, 60.0, 60)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(state.training.rate / (60 * state.training.cooldown))
