"""The number of calls is chosen at equal time, on other instances than those that the network is measured on."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from becalm.files.checkpoint import Checkpoint
from becalm.model.load import find
from becalm_programs.evaluation.calls import Tried, nearest, tried
from becalm_programs.families import generate
from becalm_programs.opening import bare, load
from becalm_programs.problem.standard_form import StandardForm

Run = Callable[..., tuple[int, str, str]]
NAN = float("nan")


def test_each_number_has_the_time_of_the_most_calls() -> None:
    # Ten calls take from 0 to 9; then a batch of three calls takes four, one of one call five.
    times = iter([0.0, 9.0, 10.0, 10.0, 14.0, 18.0, 22.0, 30.0, 35.0, 40.0])
    form = StandardForm.of(generate("set-cover", "tiny", 0))
    model = bare(torch.device("cpu"))
    (row,) = tried(model, [form], (1, 3, 10), tier="1-opt", count=4, seed=0, clock=lambda: next(times))
    assert (row.samples, row.seconds) == ((8, 12, 4), 10.0)


def test_the_nearest_to_the_best_wins_and_of_two_the_one_of_fewer_calls() -> None:
    rows = [Tried((11.0, 10.0, 10.0), (9, 6, 3), 1.0), Tried((20.0, 25.0, 25.0), (9, 6, 3), 1.0)]
    assert rows[0].behind == pytest.approx((1 / 11, 0, 0))
    assert nearest(rows, (1, 3, 10)) == 1
    assert nearest(rows[:1], (1, 10, 3)) == 3
    assert Tried((NAN, 5.0), (4, 4), 1.0).behind == (1.0, 0.0)
    assert Tried((NAN, NAN), (4, 4), 1.0).behind == (0.0, 0.0)
    # A cost below 0, as a maximisation has: -20 is better than -10.
    assert Tried((-10.0, -20.0), (4, 4), 1.0).behind == (0.5, 0.0)


def test_a_checkpoint_is_told_its_calls_and_samples_by_them(becalm: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    file.write_bytes(find("auction").read_bytes())
    code, out, _ = becalm(
        *("programs", "worth", str(file), "--size", "tiny", "--instances", "2"),
        *("--samples", "4", "--calls", "1,2", "--write", "--tier", "guided"),
    )
    assert code == 0 and "calls" in out and "behind the best %" in out
    steps = Checkpoint.read(file).config["sampling"]["steps"]
    assert steps in (1, 2)
    assert load(str(file), "cpu").request().steps == steps


def test_other_instances_are_wanted_to_choose_on(becalm: Run, tmp_path: Path) -> None:
    made = ("programs", "generate", "--family", "knapsack", "--size", "tiny", "--count", "3", "--out", str(tmp_path))
    assert becalm(*made)[0] == 0
    code, _, error = becalm(
        "programs", "worth", "auction", "--folder", str(tmp_path), "--instances", "2", "--calls", "1,2"
    )
    assert code == 2 and "4 are needed" in error and "--instances 2" in error


@pytest.mark.parametrize("calls", ["0,1", "2,2", "2000"])
def test_numbers_of_calls_are_different_and_sensible(calls: str, becalm: Run) -> None:
    code, _, error = becalm("programs", "worth", "auction", "--calls", calls)
    assert code == 2 and "calls must be different numbers from 1 to 1000" in error
