"""Verification agrees with exact arithmetic, and never calls feasible what is not."""

from fractions import Fraction

import numpy as np
import pytest
from drawn import BOUNDED, brute, points, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program
from becalm_programs.problem.verify import TOLERANCE, verify, whole


def missed(program: Program, x: np.ndarray) -> Fraction:
    """The worst violation of rows and bounds, exactly."""
    dense = program.rows.toarray()
    sums = [sum((Fraction(a) * Fraction(v) for a, v in zip(row, x, strict=True)), Fraction(0)) for row in dense]
    worst = Fraction(0)
    for value, low, high in [
        *zip(sums, program.row_low, program.row_high, strict=True),
        *zip(map(Fraction, x), program.low, program.high, strict=True),
    ]:
        if np.isfinite(low):
            worst = max(worst, Fraction(low) - value)
        if np.isfinite(high):
            worst = max(worst, value - Fraction(high))
    return worst


@settings(max_examples=30)
@given(programs(), st.lists(st.floats(-100, 100), min_size=15, max_size=15))
def test_verdicts_agree_with_exact_arithmetic(program: Program, values: list[float]) -> None:
    x = np.array(values).reshape(3, 5)[:, : len(program.cost)]
    x[1] = np.rint(x[1])
    x[2] = np.clip(np.rint(x[2]), program.low, program.high)
    verdict = verify(program, x)
    for index, row in enumerate(x):
        exact = missed(program, row)
        integral = all(value == round(value) for value in row[program.integer])
        assert verdict.integral[index] == integral
        assert verdict.feasible[index] == (integral and exact <= Fraction(TOLERANCE))
        assert verdict.max_violation[index] == pytest.approx(float(exact), rel=1e-12, abs=1e-9)
        assert bool(verdict.worst[index]) == (verdict.max_violation[index] > 0 or not integral)


@settings(max_examples=20)
@given(programs(whole=True, kinds=BOUNDED))
def test_exactly_the_feasible_points_of_brute_force_are_feasible(program: Program) -> None:
    x = points(program)
    verdict = verify(program, x)
    found, best = brute(program)
    assert x[verdict.feasible].tolist() == found.tolist()
    if best is not None:
        values = verdict.objective[verdict.feasible]
        assert (values.max() if program.maximise else values.min()) == best


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e9, 1e9).filter(lambda value: value != 0), min_size=1, max_size=8),
    st.sampled_from((-1, 1)),
    st.sampled_from((Fraction(1, 2), Fraction(99999, 100000), Fraction(100001, 100000), Fraction(3))),
)
def test_a_planted_violation_is_found_however_large_the_numbers(
    coefficients: list[float], sign: int, part: Fraction
) -> None:
    exact = sum((Fraction(value) for value in coefficients), Fraction(0))
    # The nearest side in floating point to the one wanted; what it really plants is known exactly.
    side = float(exact - sign * part * Fraction(TOLERANCE))
    planted = max(sign * (exact - Fraction(side)), Fraction(0))
    limits = {"row_high" if sign > 0 else "row_low": side}
    program = from_arrays(np.zeros(len(coefficients)), np.array([coefficients]), **limits)
    verdict = verify(program, np.ones((1, len(coefficients))))
    assert verdict.feasible[0] == (planted <= Fraction(TOLERANCE))
    assert verdict.worst[0] in ("r0", "")


@pytest.mark.parametrize(("amount", "feasible"), [(0.999e-6, True), (1.001e-6, False), (0.5, False), (-1.0, True)])
@pytest.mark.parametrize("high", [0.0, 1.0, 1000.0])
def test_bounds_forgive_as_much_as_rows(amount: float, feasible: bool, high: float) -> None:
    program = from_arrays([1.0], np.zeros((0, 1)), low=-2.0, high=high, integer=False)
    assert verify(program, [[high + amount]]).feasible[0] == feasible


@pytest.mark.parametrize("off", [1e-15, 1e-9, 1e-6, 0.5])
def test_an_integer_must_be_whole_exactly(off: float) -> None:
    program = from_arrays([1.0, 1.0], [[1.0, 1.0]], row_high=2.0, names=("a", "b"))
    verdict = verify(program, [[1 - off, 1.0], [1.0, 1.0]])
    assert verdict.feasible.tolist() == [False, True]
    assert verdict.worst == ("a", "")


def test_whole_puts_what_is_near_an_integer_on_it_and_leaves_the_rest() -> None:
    program = from_arrays([1.0] * 3, np.zeros((0, 3)), integer=[True, True, False])
    x = whole(program, [[1 - 1e-7, 0.4, 0.9999999]])
    assert x.tolist() == [[1.0, 0.4, 0.9999999]]
    assert verify(program, x).integral.tolist() == [False]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_what_is_no_number_is_never_feasible(value: float) -> None:
    rows = np.array([[1e10, -1e10]])
    program = from_arrays([1.0, 1.0], rows, low=-np.inf, high=np.inf, row_low=-1.0, row_high=1.0)
    verdict = verify(program, [[value, value], [0.0, 0.0]])
    assert verdict.feasible.tolist() == [False, True]
    assert verdict.max_violation[0] == np.inf


def test_the_worst_row_or_variable_is_named() -> None:
    program = from_arrays(
        [1.0, 1.0], [[1.0, 0.0], [0.0, 3.0]], row_high=[1.0, 2.0], high=2.0, row_names=("mild", "bad"), names=("a", "b")
    )
    assert verify(program, [[0, 0], [2, 1], [2, 2], [9, 0]]).worst == ("", "mild", "bad", "mild")
    assert verify(program, [[-5, 0]]).worst == ("a",)


def test_no_solutions_have_no_verdicts() -> None:
    verdict = verify(from_arrays([1.0], [[1.0]]), np.zeros((0, 1)))
    assert len(verdict) == 0 and verdict.worst == () and verdict.feasible.shape == (0,)


def test_each_solution_is_judged_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    program = from_arrays(random.normal(size=6), random.normal(size=(4, 6)), -0.5, 1.0)
    x = random.integers(0, 2, size=(20, 6))
    together = verify(program, x)
    monkeypatch.setattr("becalm_programs.problem.verify._CELLS", 13)
    parts = verify(program, x)
    for field in ("objective", "max_violation", "integral", "feasible"):
        assert getattr(together, field).tolist() == getattr(parts, field).tolist()
    assert together.worst == parts.worst
