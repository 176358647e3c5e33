"""What lies between two images is a strip that begins and ends with them."""

from pathlib import Path

import pytest

from becalm.errors import UserError
from becalm.plugin.report import Saved
from becalm_images.options import InterpolateOptions
from becalm_images.verbs.interpolate import run

EIGHT = str(Path(__file__).parents[2] / "docs" / "images" / "eight.png")


def test_a_strip_is_written_and_one_end_alone_is_refused(tmp_path: Path) -> None:
    out = str(tmp_path / "strip.png")
    *_, saved = run(InterpolateOptions(image=EIGHT, to=EIGHT, count=2, steps=2, out=out))
    assert isinstance(saved, Saved) and "2 points of the arc" in saved.text
    assert Path(out).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="there are two ends: give --image and --to, or neither"):
        list(run(InterpolateOptions(image=EIGHT, out=out)))
