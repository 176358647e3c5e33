"""Gaps, shares and races by closed forms and brute force; journals that survive anything."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import brute
from hypothesis import given
from hypothesis import strategies as st

from becalm.errors import UserError
from becalm_programs.evaluation.journal import Journal, References, digest
from becalm_programs.evaluation.judge import Cell, Race, Score, best_known, first, gap, incumbent, reached
from becalm_programs.evaluation.tables import races, scores
from becalm_programs.families import FAMILIES, generate
from becalm_programs.problem.program import objective

VALUES = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda value: abs(value) > 1e-3)
NAN = math.nan


def cell(
    *objective: float | None,
    digest: str = "a",
    method: str = "m",
    maximise: bool = False,
    seconds: float = 1.0,
    trajectory: tuple[tuple[float, float], ...] = (),
) -> Cell:
    return Cell(
        f"instance {digest}", digest, method, f"key {method}", maximise, objective, 1, 2.0, 0.5, seconds, trajectory
    )


@st.composite
def trajectories(draw: st.DrawFn, maximise: bool) -> tuple[tuple[float, float], ...]:
    moments = sorted(draw(st.lists(st.floats(0, 100), max_size=6)))
    values = sorted(set(draw(st.lists(st.integers(-1000, 1000), max_size=6))), reverse=not maximise)
    return tuple(zip(moments, map(float, values), strict=False))


@given(VALUES, VALUES, st.floats(1e-3, 1e3))
def test_gaps_are_shares_of_the_best_whatever_the_unit_or_the_sense(best: float, value: float, unit: float) -> None:
    least, most = sorted([best, value])
    away = float(gap(most, least, maximise=False))
    assert away == pytest.approx((most - least) / abs(least))
    assert float(gap(unit * most, unit * least, maximise=False)) == pytest.approx(away, rel=1e-6)
    assert float(gap(-most, -least, maximise=True)) == pytest.approx(away)
    assert float(gap(least, most, maximise=False)) == 0.0 == float(gap(most, least, maximise=True))


def test_gaps_to_a_best_of_nothing_are_all_or_nothing() -> None:
    assert gap([0.0, 1e-12, 3.0], 0.0, maximise=False).tolist() == [0.0, 0.0, 1.0]
    assert gap([0.0, -5.0], 0.0, maximise=True).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("family", ["set-cover", "auction", "independent-set", "knapsack"])
def test_against_brute_force_the_optimum_alone_has_no_gap(family: str) -> None:
    program = generate(family, "tiny", 5)
    feasible, optimum = brute(program)
    assert optimum is not None
    values = objective(program, feasible)
    made = cell(*values.tolist(), maximise=program.maximise)
    known = best_known([made])
    assert known == {"a": pytest.approx(optimum)}
    gaps = gap(values, known["a"], program.maximise)
    assert np.array_equal(gaps < 1e-9, np.isclose(values, optimum)) and (gaps >= 0).all()
    score = Score.of([made], known)
    assert score.gap == pytest.approx(float(np.abs(values - optimum).mean() / abs(optimum)))
    assert score.gap_best == 0.0 and score.samples == score.solved == 1.0


def test_scores_are_means_over_solutions_and_over_instances() -> None:
    cells = [cell(110.0, 120.0, None, seconds=2.0), cell(None, None, None, digest="b"), cell(300.0, digest="c")]
    score = Score.of(cells, {"a": 100.0, "c": 200.0})
    assert (score.instances, score.asked) == (3, 3)
    assert score.samples == pytest.approx(3 / 7) and score.solved == pytest.approx(2 / 3)
    assert score.gap == pytest.approx((0.1 + 0.2 + 0.5) / 3)
    assert score.gap_all == pytest.approx((0.1 + 0.2 + 0.5 + 4) / 7)
    assert score.gap_best == pytest.approx((0.1 + 0.5) / 2)
    assert score.seconds == pytest.approx(4 / 3) and score.per_feasible == pytest.approx(4 / 3)
    assert score.worst == 0.5


def test_nothing_feasible_has_no_gap_and_counts_as_all_of_it() -> None:
    score = Score.of([cell(None, None)], {})
    assert (score.samples, score.solved, score.gap_all, score.per_feasible) == (0.0, 0.0, 1.0, math.inf)
    assert math.isnan(score.gap) and math.isnan(score.gap_best)
    table = scores({"m": [cell(None, None)]}, {}, "title")
    shown = dict(zip(table.columns, table.rows[0], strict=True))
    assert shown["gap %"] is None and shown["gap % (infeasible as 100)"] == 100.0
    assert shown["seconds per feasible"] is None


@given(st.lists(st.lists(st.none() | st.floats(1, 100), min_size=1, max_size=4), min_size=1, max_size=4))
def test_the_gap_over_all_is_the_gap_over_feasible_and_1_for_the_rest(drawn: list[list[float | None]]) -> None:
    cells = [cell(*values, digest=str(place)) for place, values in enumerate(drawn)]
    score = Score.of(cells, best_known(cells))
    feasible = 0.0 if math.isnan(score.gap) else score.gap * score.samples
    assert score.gap_all == pytest.approx(feasible + 1 - score.samples)
    assert math.isnan(score.gap_best) or 0.0 <= score.gap_best


@given(st.permutations([7.0, 3.0, 5.0, 9.0]), st.booleans())
def test_the_best_known_is_over_all_methods_and_what_was_kept(values: list[float], maximise: bool) -> None:
    cells = [cell(value, None, method=str(value), maximise=maximise) for value in values]
    best = 9.0 if maximise else 3.0
    assert best_known(cells) == {"a": best} == best_known([*cells, cell(None)])
    kept = {"a": 10.0 if maximise else 2.0, "other": 1.0}
    assert best_known(cells, kept) == kept
    assert best_known(cells, {"a": 5.0}) == {"a": best}


@given(st.data(), st.booleans(), st.floats(0, 120))
def test_an_objective_is_reached_when_it_becomes_the_incumbent(data: st.DataObject, maximise: bool, at: float) -> None:
    trajectory = data.draw(trajectories(maximise))
    value = incumbent(trajectory, at)
    if value is None:
        assert all(moment > at for moment, _ in trajectory)
        return
    moment = reached(trajectory, value, maximise)
    assert moment <= at and incumbent(trajectory, moment) == value
    sign = -1.0 if maximise else 1.0
    better = min(sign * value for _, value in trajectory) - 1
    assert reached(trajectory, sign * better, maximise) == math.inf
    assert all(at < then for then, other in trajectory if sign * other < sign * value)


def test_races_count_only_what_solvers_have_in_time() -> None:
    ours = [
        cell(110.0, 130.0, seconds=1.0),
        cell(None, digest="b"),
        cell(100.0, digest="c", seconds=3.0),
        cell(105.0, digest="d", seconds=0.1),
    ]
    theirs = [
        cell(100.0, method="s", trajectory=((0.5, 150.0), (1.5, 110.0), (4.0, 100.0))),
        cell(100.0, digest="b", method="s", trajectory=((0.1, 100.0),)),
        cell(100.0, digest="c", method="s", trajectory=((0.2, 100.0),)),
        cell(120.0, digest="d", method="s", trajectory=((0.2, 120.0),)),
    ]
    best = {"a": 100.0, "b": 100.0, "c": 100.0, "d": 105.0}
    race = Race.of(list(zip(ours, theirs, strict=True)), best)
    assert race.instances == 3 and race.reached == pytest.approx(2 / 3)
    assert race.gap == pytest.approx((0.5 + 0.0 + 1.0) / 3)
    assert race.seconds == 1.5
    assert [first(one, [other]) for one, other in zip(ours, theirs, strict=True)] == [True, False, False, True]
    assert not first(ours[0], [theirs[0], theirs[1]])


def test_a_solver_that_mostly_does_not_get_there_is_said_to() -> None:
    ours = [cell(90.0), cell(90.0, digest="b")]
    rows = {"m": ours, "S": [cell(100.0, digest=name, method="S", trajectory=((1.0, 100.0),)) for name in "ab"]}
    table = races(rows, ["S"], best_known([*ours]), 7.0, "title")
    assert table is not None
    (row,) = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert row["S seconds to equal"] == "not within 7 s" and row["S gets there %"] == 0.0
    assert row["ahead of all solvers %"] == 100.0
    assert races({"m": ours}, ["S"], {}, 7.0, "title") is None


def test_a_digest_is_of_the_numbers_alone() -> None:
    program = generate("set-cover", "tiny", 0)
    renamed = replace(program, name="other", names=tuple(f"y{index}" for index in range(len(program.cost))))
    assert digest(renamed) == digest(program)
    changed = [
        replace(program, cost=program.cost + np.eye(len(program.cost))[0]),
        replace(program, row_low=program.row_low - 1),
        replace(program, high=program.high + 1),
        replace(program, integer=~program.integer),
        replace(program, offset=1.0),
        replace(program, maximise=True),
        replace(program, rows=program.rows * 2),
    ]
    made = {digest(other) for other in [program, *changed]}
    assert len(made) == 1 + len(changed)
    assert len({digest(generate(family, "tiny", 0)) for family in FAMILIES}) == len(FAMILIES)


def test_a_journal_gives_back_what_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.jsonl"
    made = [cell(1.5, None, trajectory=((0.1, 2.0), (0.2, 1.5))), cell(None, digest="b", method="n")]
    Journal(path).add(made)
    again = Journal(path)
    assert list(again) == made and again.get("b", "key n") == made[1] and again.get("a", "key n") is None
    again.add([cell(1.0, digest="c")])
    assert len(list(Journal(path))) == 3


def test_what_a_training_wrote_is_not_taken_for_a_damaged_journal(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"step": 1, "loss": 0.4}\n')
    with pytest.raises(UserError, match="holds no evaluation"):
        Journal(path)
    assert path.read_text() == '{"step": 1, "loss": 0.4}\n'


def test_a_line_cut_short_is_dropped_and_a_damaged_one_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    Journal(path).add([cell(1.0), cell(2.0, digest="b")])
    whole = path.read_text()
    for cut in range(len(whole.splitlines()[0]) + 1, len(whole), 37):
        path.write_text(whole[:cut])
        journal = Journal(path)
        assert len(list(journal)) == 1
        journal.add([cell(3.0, digest="c")])
        assert [one.digest for one in Journal(path)] == ["a", "c"]
    for damage in (
        "{}",
        "[]",
        '"x"',
        "nonsense",
        json.dumps({**json.loads(whole.splitlines()[0]), "objective": ["x"]}),
    ):
        path.write_text(f"{whole}{damage}\n")
        with pytest.raises(UserError, match="line 3 of .* is damaged"):
            Journal(path)


def test_references_never_get_worse(tmp_path: Path) -> None:
    path = tmp_path / "references.json"
    for values, best in (((5.0, 7.0), 5.0), ((6.0,), 5.0), ((4.0, None), 4.0), ((None,), 4.0)):
        assert References(path).learn([cell(*values)]) == {"a": best} == References(path).best
    kept = path.read_text()
    assert json.loads(kept)["a"] == {"name": "instance a", "objective": 4.0, "by": "m"}
    for damage in ("", "[]", '{"a": 3}', '{"a": {"objective": "x"}}', '{"a": {"objective": NaN}}'):
        path.write_text(damage)
        with pytest.raises(UserError, match="holds no best known objectives"):
            References(path)
