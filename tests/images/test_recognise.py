"""A verb names the classes of test images by the model alone, and draws what each class makes of them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from becalm.errors import UserError
from becalm.schedule import Cosine
from becalm_apps.main import command
from becalm_images.judge.recognise import contest

FIXTURE = Path(__file__).parents[1] / "fixtures" / "mnist"


@pytest.mark.slow
def test_digits_are_named_and_the_picture_is_written(tmp_path: Path) -> None:
    out = tmp_path / "recognised.png"
    quick = ["--count", "2", "--rounds", "1", "--margin", "0.5", "--precision", "bf16"]
    words = ["images", "recognise", "--data", str(FIXTURE), *quick, "--out", str(out), "--json"]
    (table,) = json.loads(CliRunner().invoke(command(), words, catch_exceptions=False).stdout)["tables"]
    figures = {row["figure"]: row["value"] for row in table["rows"]}
    assert figures["accuracy"] == 1
    assert 40 <= figures["calls of the network an image"] < 80
    assert out.read_bytes().startswith(b"\x89PNG")


def test_draws_come_in_pairs_at_one_level_and_a_contest_without_rounds_is_refused() -> None:
    times = [float(level.t) for level in contest(Cosine(), 2).levels]
    assert len(times) == 28
    assert times[::2] == times[1::2]
    with pytest.raises(UserError, match="rounds must be at least 1, got 0"):
        contest(Cosine(), 0)
