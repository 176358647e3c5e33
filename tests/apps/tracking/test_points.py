"""What is logged of a training: its steps, thinned alike however they are read, its settings, and its digest."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm_apps.tracking.manifest import flatten, read_header
from becalm_apps.tracking.points import POINTS, Point, Tail


def line(step: int) -> str:
    values = {"loss": math.sin(step), "norm": float(step % 7), "rate": 1 / step, "seconds": step / 8}
    return json.dumps({"step": step, **values}) + "\n"


def points(path: Path, cuts: list[int], steps: int) -> list[Point]:
    """What is read of a log that is written up to each cut in turn, by a reader that then has to begin again."""
    text = "".join(line(step) for step in range(1, steps + 1)).encode()
    found: list[Point] = []
    for cut in [*sorted(cuts), len(text)]:
        path.write_bytes(text[: min(cut, len(text))])
        tail = Tail(path, steps, found[-1].step if found else 0)
        found += tail.read(end=cut == len(text))
    return found


@settings(deadline=None, max_examples=25)
@given(cuts=st.lists(st.integers(0, 200_000), max_size=4), steps=st.sampled_from([1, 7, 2000, 2001]))
def test_points_are_the_same_however_often_the_reader_was_stopped(
    cuts: list[int], steps: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.jsonl"
    assert points(path, cuts, steps) == points(path, [], steps)


@pytest.mark.parametrize("steps", [1, 2000, 2001, 6_000])
def test_a_long_training_is_thinned_to_means_of_equal_windows(steps: int, tmp_path: Path) -> None:
    found = points(tmp_path / "a.jsonl", [], steps)
    window = -(-steps // POINTS)
    assert len(found) <= POINTS
    assert [point.step for point in found] == sorted({*range(window, steps + 1, window), steps})
    begun = 0
    for point in found:
        span = range(begun + 1, point.step + 1)
        assert point.values["loss"] == pytest.approx(sum(map(math.sin, span)) / len(span))
        assert point.values["rate"] == 1 / point.step
        assert point.values["steps_per_second"] == pytest.approx(8)
        begun = point.step


def test_what_is_seen_now_and_then_is_the_windows_last(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.loads(line(step)) | ({"held_out": 1 / step} if step % 3 == 0 else {}) for step in range(1, 4002)]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    found = list(Tail(path, 4001).read(end=True))
    assert [point.values.get("held_out") for point in found[:4]] == [1 / 3, 1 / 6, 1 / 9, 1 / 12]
    assert "held_out" not in found[-1].values


def test_windows_double_where_the_number_of_steps_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(map(line, range(1, 5001))))
    found = [point.step for point in Tail(path, None).read(end=True)]
    assert found == [*range(1, 2000), *range(2000, 4000, 2), *range(4000, 5001, 4)]


def test_settings_are_flat_text() -> None:
    assert flatten({"a": {"b": 1e-3, "c": None, "d": {"e": [1, 2]}}, "f": "text", "g": True}) == {
        "a.b": "0.001",
        "a.d.e": "[1, 2]",
        "f": "text",
        "g": "true",
    }


def test_the_header_alone_tells_configuration_and_digest(trained: Path) -> None:
    whole = Checkpoint.read(trained)
    assert read_header(trained) == {"config": whole.config, "digest": whole.digest}
    (trained.parent / "a.safetensors").write_bytes(b"\xff" * 100)
    for name, says in (("a.safetensors", "is damaged or cut short"), ("b.safetensors", "there is no checkpoint")):
        with pytest.raises(UserError, match=says):
            read_header(trained.parent / name)
