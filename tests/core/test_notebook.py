"""What a notebook shows of a result, and what it says of a misspelt word."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy
from matplotlib.figure import Figure

import becalm
from becalm.errors import UserError
from becalm.plugin.report import Picture
from becalm.sampler import DDIM, last
from becalm.train.plan import with_defaults


def test_reprs_are_a_line() -> None:
    model = toy.model()
    samples = model.sample(count=20, steps=2)
    step = last(model.steps(count=3, steps=2))
    assert repr(samples) == "<Samples of points: data (20, 2) float32, seed 0>"
    assert repr(step) == "<Step 1: x (3, 2) at t = 0>"
    assert repr(model).startswith("<Model of points: ") and len(repr(model)) < 100
    assert repr(samples.picture()).startswith("<Picture image/svg+xml, ")


def test_pictures_show_and_save_themselves(tmp_path: Path) -> None:
    figure = Picture.of_figure(Figure((1, 1)), dpi=20)
    drawing = toy.model().sample(count=2, steps=1)
    assert (figure._repr_png_(), figure._repr_svg_(), figure._repr_html_()) == (figure.content, None, None)
    assert drawing._repr_png_() is None
    assert (drawing._repr_svg_() or "").startswith("<svg")
    assert "data:image/gif;base64," in (Picture("image/gif", b"GIF89a")._repr_html_() or "")
    figure.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == figure.content
    with pytest.raises(UserError, match=r"a picture of kind image/png is saved as \.png, got a\.jpg"):
        figure.save("a.jpg")
    with pytest.raises(UserError, match=r"samples are saved as \.png or \.npz, got a\.txt"):
        drawing.save("a.txt")


def test_a_step_shows_and_saves_its_samples(tmp_path: Path) -> None:
    model = toy.model()
    first, *_, step = model.steps(count=2, steps=3)
    samples = model.sample(count=2, steps=3)
    assert step._repr_svg_() == samples._repr_svg_() != first._repr_svg_()  # type: ignore[attr-defined]
    step.save(tmp_path / "last.npz")  # type: ignore[attr-defined]
    samples.save(tmp_path / "samples.npz")
    last_made, made = (dict(np.load(tmp_path / name)) for name in ("last.npz", "samples.npz"))
    arrays = [name for name in last_made if last_made[name].dtype.kind == "f"]
    assert arrays and all(np.array_equal(last_made[name], made[name]) for name in arrays)
    with pytest.raises(UserError, match=r"samples are saved as \.png or \.npz, got a\.txt"):
        step.save("a.txt")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"lable": 1}, "unknown key 'lable'; did you mean 'label'?"),
        ({"ste": 0.5}, "unknown key 'ste'; did you mean 'steps'?"),
        ({"sampler": "dimm"}, "did you mean 'ddim'?"),
        ({"sampler": {"kind": "ddim", "etta": 1}}, "unknown key 'sampler.etta'; did you mean 'eta'?"),
        ({"spacing": "karas"}, "did you mean 'karras'?"),
        ({"xyz": 1}, "unknown key 'xyz'"),
    ],
)
def test_a_misspelt_word_is_told_its_neighbour(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as refused:
        toy.model().sample(**fields)
    assert str(refused.value).endswith(says)


def test_kinds_and_plans_are_told_theirs() -> None:
    with pytest.raises(UserError, match="unknown key 'etta'; did you mean 'eta'?"):
        DDIM(etta=1)  # type: ignore[call-arg]
    with pytest.raises(UserError, match="unknown key 'training.step'; did you mean 'steps'?"):
        with_defaults(toy.Points, training={"step": 3})
    assert becalm.UserError is UserError
