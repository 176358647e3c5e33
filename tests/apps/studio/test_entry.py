"""The fields of a panel follow from its model, and what is entered arrives as the command line reads it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from becalm.errors import UserError
from becalm.plugin.widget import Folder, Sketch, Slider, Upload
from becalm.request import SampleRequest
from becalm_apps.studio.ui.entry import Kind, entries, fill
from becalm_apps.studio.ui.sketch import parse_drawing


class Deep(BaseModel):
    kind: Literal["deep"] = "deep"
    depth: int = Field(2, ge=1)


class Flat(BaseModel):
    kind: Literal["flat"] = "flat"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rate: float = 0.5


class Everything(SampleRequest):
    side: Literal["left", "right"] = "left"
    label: tuple[int, ...] | Literal["any"] = "any"
    share: float = Field(0.25, ge=0, le=1)
    size: int = Field(7, ge=1)
    wide: bool = True
    maybe: bool | None = None
    limit: int | None = Field(None, ge=1)
    places: tuple[float, ...] | None = None
    file: Path | None = None
    model: Annotated[str | None, Upload((".mps",))] = None
    inner: Inner = Inner()
    shape: Annotated[Deep | Flat, Field(discriminator="kind")] = Deep()
    spot: Annotated[str | None, Sketch("disc")] = None
    folder: Annotated[str, Folder()] = ""
    speed: Annotated[int, Slider(1, 9)] = 3


KINDS = {
    "side": Kind.CHOICE,
    "label": Kind.CHOICE,
    "share": Kind.SLIDER,
    "size": Kind.NUMBER,
    "wide": Kind.CHECK,
    "maybe": Kind.CHOICE,
    "limit": Kind.TEXT,
    "places": Kind.TEXT,
    "file": Kind.UPLOAD,
    "model": Kind.UPLOAD,
    "inner.rate": Kind.NUMBER,
    "shape": Kind.CHOICE,
    "shape.depth": Kind.TEXT,
    "spot": Kind.SKETCH,
    "folder": Kind.FOLDER,
    "speed": Kind.SLIDER,
    "steps": Kind.SLIDER,
    "sampler": Kind.CHOICE,
    "sampler.eta": Kind.TEXT,
    "sampler.variance": Kind.CHOICE,
    "times": Kind.TEXT,
    "spacing": Kind.CHOICE,
}


OPTIONS = {
    "shape.depth",
    *(f"sampler.{name}" for name in ("eta", "churn", "variance", "order", "snr", "count", "predictor", "corrector")),
    "sampler.clip_sample",
}


def test_the_kind_of_a_field_follows_from_its_type_and_its_marker() -> None:
    found = {".".join(entry.path): entry.kind for entry in entries(Everything)}
    assert {name: found[name] for name in KINDS} == KINDS
    assert set(found) == {*Everything.model_fields} - {"inner"} | {"inner.rate"} | OPTIONS


def test_what_is_a_domains_own_comes_first_and_what_is_seldom_needed_stands_aside() -> None:
    names = [entry.path[-1] for entry in entries(Everything)]
    assert names.index("side") < names.index("count") < names.index("steps") < names.index("rescale")
    assert {".".join(entry.path) for entry in entries(Everything) if entry.aside} == (
        set(SampleRequest.model_fields) - {"count", "seed", "sampler", "steps", "guidance"} | OPTIONS
    )


def filled(kind: type[BaseModel], /, **given: Any) -> Any:
    """The model as the page fills it in: what stands there at first, but for what is given."""
    found = entries(kind)
    values = [given.pop("__".join(entry.path), entry.default) for entry in found]
    assert not given
    return fill(kind, found, values)


def test_an_untouched_form_is_the_models_defaults() -> None:
    assert filled(Everything) == Everything()
    assert filled(SampleRequest) == SampleRequest()


def test_what_is_entered_arrives_as_the_command_line_reads_it() -> None:
    made = filled(
        Everything, side="right", label="1,2", maybe="no", limit="3", places="0.5, 1", inner__rate=2.0, size=4.0,
        shape='{"kind": "deep", "depth": 5}', model="x/a.mps", wide=False, times="1,0.5", spacing="karras",
    )  # fmt: skip
    assert made == Everything(
        side="right", label=(1, 2), maybe=False, limit=3, places=(0.5, 1.0), inner=Inner(rate=2.0), size=4,
        shape=Deep(depth=5), model="x/a.mps", wide=False, times=(1.0, 0.5), spacing="karras",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"count": 0}, "count must be greater than or equal to 1, got 0"),
        ({"limit": "x"}, "limit must be a valid integer, got 'x'"),
        ({"side": "up"}, "side must be 'left' or 'right', got 'up'"),
        ({"model": "x/a.txt"}, "a.txt must end in one of .mps"),
        ({"shape": '{"kind": "deep", "depth": 0}'}, "shape must be greater than or equal to 1, got 0"),
        ({"shape": "{"}, "shape must be a table of settings as JSON"),
        ({"guidance_low": 0.9, "guidance_high": 0.1}, "guidance_low must not be above guidance_high, got 0.9 and 0.1"),
        ({"inner__rate": "fast"}, "rate must be a valid number, got 'fast'"),
    ],
)
def test_what_does_not_fit_is_one_sentence(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as error:
        filled(Everything, **given)
    assert str(error.value).startswith(says) and "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["", "1,2", "1,2,x", "1,2,3,4", "inf,0,1", "1;2;3"])
def test_a_disc_is_three_numbers(value: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be x,y,radius"):
        parse_drawing(Sketch("disc"), value, tmp_path / "a.png")
    assert parse_drawing(Sketch("disc"), "0.5,0.25,0.1", tmp_path / "a.png") == "0.5,0.25,0.1"


@pytest.mark.parametrize(
    "value",
    ["", "data:image/png;base64,", "data:image/png;base64,AAAA", "file:///a.png", "data:image/svg+xml;base64,PHN2Zz4="],
)
def test_a_drawing_is_a_png_and_nothing_else(value: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be a PNG"):
        parse_drawing(Sketch("mask"), value, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
