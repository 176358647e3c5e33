"""``becalm images edit`` end to end, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from becalm import UserError
from becalm_images.data import idx
from becalm_images.options import EditOptions
from becalm_images.verbs.edit import run
from becalm_images.views.grid import grid, labelled

FIXTURE = Path(__file__).parents[1] / "fixtures" / "mnist"


@pytest.fixture
def digit(tmp_path: Path) -> str:
    path = tmp_path / "seven.png"
    Image.fromarray(idx.read(FIXTURE / "t10k-images-idx3-ubyte.gz")[0]).save(path)
    return str(path)


def _edit(digit: str, out: Path | str, **fields: object) -> str:
    options = EditOptions.model_validate({"image": digit, "out": str(out), "count": 2, "steps": 3, **fields})
    return "\n".join(run(options))


@pytest.mark.parametrize("fields", [{"mask": "top"}, {"start": 0.5}, {"mask": "left", "start": 0.8}])
def test_an_edit_writes_one_picture(digit: str, tmp_path: Path, fields: dict[str, object]) -> None:
    out = tmp_path / "out.png"
    assert "2 edits" in _edit(digit, out, **fields)
    with Image.open(out) as picture:
        assert picture.size == (4 * (4 * 30 + 2), 4 * 32 + 18)  # The last is the strip that says what is what.


def test_a_mask_may_be_a_picture(digit: str, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    Image.new("L", (28, 28), 255).save(mask)
    assert _edit(digit, tmp_path / "out.png", mask=str(mask))


def _wrong(tmp_path: Path) -> dict[str, dict[str, object]]:
    small, text = tmp_path / "small.png", tmp_path / "text.png"
    Image.new("L", (10, 28)).save(small)
    text.write_text("not a picture")
    return {
        "nothing kept": {},
        "mask of another size": {"mask": str(small)},
        "mask no picture": {"mask": str(text)},
        "mask unknown": {"mask": "middle"},
        "image of another size": {"mask": "top", "image": str(small)},
        "image missing": {"mask": "top", "image": str(tmp_path / "none.png")},
        "label": {"mask": "top", "label": 11},
        "checkpoint": {"mask": "top", "checkpoint": "mnits"},
        "suffix": {"mask": "top", "out": str(tmp_path / "out.jpg")},
        "folder": {"mask": "top", "out": str(small / "out.png")},
    }


KINDS = (
    "nothing kept",
    "mask of another size",
    "mask no picture",
    "mask unknown",
    "image of another size",
    "image missing",
    "label",
    "checkpoint",
    "suffix",
    "folder",
)


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_one_sentence_and_writes_nothing(digit: str, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out.png"
    with pytest.raises(UserError, match=r"^[^\n]{15,}$"):
        _edit(**{"digit": digit, "out": out, **_wrong(tmp_path)[kind]})
    assert not out.exists()


def test_words_stand_below_the_images_and_move_none() -> None:
    canvas = grid(torch.arange(3 * 28 * 28, dtype=torch.uint8).reshape(3, 1, 28, 28), columns=3)
    told = labelled(canvas, ["zero", "one", "a name that is much too long for its column"])
    assert np.array_equal(told[: len(canvas)], canvas)
    strip = told[len(canvas) :]
    assert strip.shape[1:] == canvas.shape[1:] and strip.min() < 64 < strip.max()
