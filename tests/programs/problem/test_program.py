"""A program is what it says: canonical, checked when it is made, and true to the original's sense."""

from typing import Any

import numpy as np
import pytest
from drawn import programs
from hypothesis import given, settings
from scipy import sparse

from becalm import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program, activity, objective

INF, NAN = np.inf, np.nan


def made(**changes: Any) -> Program:
    fields: dict[str, Any] = {
        "cost": [1.0, 2.0],
        "rows": [[1.0, 0.0], [1.0, -1.0]],
        "row_low": [0.0, -INF],
        "row_high": [1.0, 3.0],
        "low": [0.0, -1.0],
        "high": [1.0, INF],
        "integer": np.array([True, False]),
        "names": ("x", "y"),
        "row_names": ("r", "s"),
        **changes,
    }
    return Program(**fields)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cost": [1.0, NAN]}, "cost must be finite numbers, got nan at 1"),
        ({"cost": [1.0]}, r"cost must have shape \(2,\), got \(1,\)"),
        ({"cost": ["a", "b"]}, "cost must be numbers"),
        ({"rows": [[1.0, NAN], [0.0, 0.0]]}, "coefficients must be finite, got nan in row 0, column 1"),
        ({"rows": [[0.0, 0.0], [INF, 0.0]]}, "got inf in row 1, column 0"),
        ({"rows": "abc"}, "rows must be"),
        ({"row_low": [NAN, 0.0]}, "row_low must be finite numbers, got nan"),
        ({"row_low": [2.0, 0.0]}, "row 'r' has nothing between its least value 2 and its greatest 1"),
        ({"row_low": [INF, 0.0], "row_high": [INF, 3.0]}, "row 'r' has nothing"),
        ({"low": [0.0, 5.0], "high": [1.0, 4.0]}, "variable 'y' has nothing between"),
        ({"low": [0.2, 0.0], "high": [0.8, 1.0]}, "integer variable 'x' has no integer between its bounds 0.2 and 0.8"),
        ({"integer": [1, 0]}, "integer must be 2 truth values"),
        ({"names": ("x", "x")}, "names must all be different, got 'x' twice"),
        ({"row_names": ("r",)}, "row_names must be 2 names, got 1"),
        ({"offset": NAN}, "offset must be finite"),
    ],
)
def test_what_is_no_program_is_one_sentence(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        made(**changes)
    assert "\n" not in str(caught.value)


def test_a_program_without_variables_is_refused() -> None:
    with pytest.raises(UserError, match="at least one variable"):
        from_arrays([], np.zeros((1, 0)))


def test_a_program_may_have_no_rows() -> None:
    program = from_arrays([1.0, 2.0], np.zeros((0, 2)))
    assert activity(program, [[1, 1]]).shape == (1, 0)
    assert objective(program, [[1, 1]]).tolist() == [3.0]


def test_the_bounds_of_integers_are_rounded_inwards_and_only_theirs() -> None:
    program = made(low=[-1.5, -1.5], high=[2.9999999999, 2.5])
    assert program.low.tolist() == [-1.0, -1.5]
    assert program.high.tolist() == [3.0, 2.5]


def test_sides_from_1e20_on_are_infinite() -> None:
    program = made(row_high=[1e30, 1e20], low=[-1e25, -1e19])
    assert program.row_high.tolist() == [INF, INF]
    assert program.low.tolist() == [-INF, -1e19]


def test_the_matrix_is_canonical_whatever_it_comes_as() -> None:
    doubled = sparse.coo_array(([1.0, 2.0, 5.0, -5.0, 4.0], ([0, 0, 1, 1, 1], [1, 1, 0, 0, 1])), shape=(2, 2))
    program = made(rows=doubled)
    assert program.rows.toarray().tolist() == [[0.0, 3.0], [0.0, 4.0]]
    assert program.nonzeros == 2
    assert program.rows.dtype == np.float64


def test_a_program_shares_no_memory_with_what_it_is_made_of() -> None:
    cost, rows = np.array([1.0, 2.0]), sparse.csr_array(np.eye(2))
    program = made(cost=cost, rows=rows)
    cost[:] = 9
    rows.data[:] = 9
    assert program.cost.tolist() == [1.0, 2.0]
    assert program.rows.toarray().tolist() == np.eye(2).tolist()


def test_counts_tell_the_kinds_apart() -> None:
    program = Program(
        cost=np.ones(4),
        rows=np.ones((4, 4)),
        row_low=[1, -INF, 0, -INF],
        row_high=[1, INF, 2, 3],
        low=[0, 0, 0, -INF],
        high=[1, 0, 5, INF],
        integer=np.array([True, True, True, False]),
        names=tuple("abcd"),
        row_names=tuple("abcd"),
    )
    counts = program.counts
    assert program.binary.tolist() == [True, True, False, False]
    assert (counts.variables, counts.rows, counts.nonzeros) == (4, 4, 16)
    assert (counts.binary, counts.integer, counts.continuous) == (2, 1, 1)
    assert (counts.equal, counts.ranged, counts.free) == (1, 1, 1)


@settings(max_examples=15)
@given(programs(whole=True))
def test_the_objective_is_reported_in_the_originals_sense(program: Program) -> None:
    x = np.arange(3.0 * len(program.cost)).reshape(3, -1)
    inner = x @ program.cost + program.offset
    assert objective(program, x).tolist() == (-inner if program.maximise else inner).tolist()


def test_a_maximisation_keeps_its_sign() -> None:
    program = from_arrays([3.0, -1.0], np.ones((1, 2)), row_high=2.0, offset=10.0, maximise=True)
    assert objective(program, [[1, 0], [0, 1], [0, 0]]).tolist() == [13.0, 9.0, 10.0]
    assert (program.cost @ np.array([1, 0]) + program.offset) < (program.cost @ np.array([0, 1]) + program.offset)


@pytest.mark.parametrize("x", [[1.0, 2.0], [[1.0]], np.zeros((2, 3))])
def test_solutions_of_another_shape_are_refused(x: Any) -> None:
    with pytest.raises(ValueError, match=r"x must have shape \(K, 2\)"):
        activity(made(), x)
