"""The page reaches everyone: texts stand out, masks are drawn without a mouse, a phone will do, words are listed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Visitor, chromium, studio

RATIO = """element => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const parts = numbers(colour).slice(0, 3).map(value => value / 255)
      .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  let ground = element;
  const opaque = colour => { const all = numbers(colour); return all.length < 4 || all[3] === 1; };
  while (ground.parentElement && !opaque(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
  const [one, other] = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(light);
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}"""
"""The contrast of a text with what it stands on (WCAG 2.2, 1.4.3)."""


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with studio(tmp_path_factory.mktemp("studio")) as address, chromium() as browser:
        yield Visitor(browser, address)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_texts_stand_out_from_the_page(visitor: Visitor, scheme: str) -> None:
    visitor.page.emulate_media(color_scheme=scheme)
    visitor.page.reload()
    visitor.page.locator("#run-images-sample").wait_for()
    form = visitor.page.locator("#form-images-sample")
    texts = [form.get_by_text("How many samples").first, form.get_by_text("Sampler steps").first]
    texts += [
        visitor.page.get_by_text("What is drawn appears here"),
        visitor.page.get_by_text("Draw samples from a model"),
    ]
    assert min(text.evaluate(RATIO) for text in texts) >= 4.5


def test_the_classes_of_the_model_are_listed_and_others_are_refused_in_a_sentence(visitor: Visitor) -> None:
    field = visitor.field("images-sample", "request-label")
    field.click()
    listed = visitor.page.get_by_role("option").all_inner_texts()
    assert [text.strip("✓ \n") for text in listed] == ["any", *map(str, range(10))]
    visitor.enter("images-sample", **{"request-label": "10", "request-count": 1, "request-steps": 1})
    visitor.run("images-sample")
    assert "10" in visitor.status("images-sample", "failed")
    visitor.enter("images-sample", **{"request-label": "7,3"})
    visitor.run("images-sample")
    visitor.status("images-sample", "done")


def test_a_mask_is_drawn_by_keys(visitor: Visitor) -> None:
    visitor.go("images", "inpaint")
    visitor.page.locator("#form-images-inpaint .sketch-note", has_text="a sample of the model").wait_for()
    canvas = visitor.page.locator("#form-images-inpaint canvas")
    canvas.focus()
    for key in ("ArrowDown", "Space", "ArrowRight", "ArrowRight", "Space"):
        canvas.press(key)
    assert "pen up at 57 %, 54 %" in visitor.page.locator("#form-images-inpaint .sketch-note").inner_text()
    visitor.enter("images-inpaint", count=1, steps=1)
    visitor.run("images-inpaint")
    visitor.status("images-inpaint", "done")


def test_a_file_is_named_as_the_visitor_named_it(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    visitor.go("images", "inpaint")
    visitor.upload("images-inpaint", tmp_path / "bad.png")
    visitor.run("images-inpaint")
    said = visitor.status("images-inpaint", "failed")
    assert "bad.png" in said and "/" not in said and said.count("'") % 2 == 0


def test_on_a_telephone_the_picture_stands_above_the_form(visitor: Visitor) -> None:
    visitor.go("images", "sample")
    tops: dict[int, Any] = {}
    for width in (400, 1280):
        visitor.page.set_viewport_size({"width": width, "height": 800})
        boxes = [visitor.page.locator(f"#{name}-images-sample").bounding_box() for name in ("run", "form")]
        tops[width] = [(box["x"], box["y"]) for box in boxes]
    (_, run), (_, form) = tops[400]
    assert run < form
    (right, run), (left, form) = tops[1280]
    assert left < right and abs(run - form) < 100
