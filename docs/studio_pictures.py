"""The pictures of docs/howto/studio.md: the studio's own page, driven in a browser (wants chromium).

    python docs/studio_pictures.py

Who draws them is the visitor that the tests of the page send there.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "images"
sys.path[:0] = [str(ROOT / "tests" / "apps"), str(ROOT / "tests")]

from browser import Visitor, chromium, studio  # noqa: E402 (of the tests' folder)


def samples(visitor: Visitor) -> None:
    """Digits half way out of the noise."""
    visitor.enter("images-sample", **{"request-steps": 100, "request-seed": 1, "request-count": 16})
    visitor.run("images-sample")
    visitor.page.wait_for_function("/ (4|5)\\d of 100/.test(document.querySelector('#status-images-sample').innerText)")
    visitor.page.locator("#picture-images-sample img").wait_for()


def inpaint(visitor: Visitor) -> None:
    """The lower part of a seven drawn over."""
    visitor.go("images", "inpaint")
    visitor.enter("images-inpaint", example=27)
    visitor.page.wait_for_timeout(3000)
    visitor.page.locator("#form-images-inpaint .sketch-note", has_text="a sample of the model").wait_for()
    for y in (0.6, 0.68, 0.76):
        visitor.draw("images-inpaint", (0.15, y), (0.85, y))
    visitor.enter("images-inpaint", count=8)
    visitor.run("images-inpaint")
    visitor.status("images-inpaint", "done")


def redraw(visitor: Visitor) -> None:
    """A scribbled three."""
    visitor.go("images", "redraw")
    three = (
        (0.35, 0.25),
        (0.5, 0.18),
        (0.62, 0.28),
        (0.58, 0.42),
        (0.45, 0.48),
        (0.6, 0.54),
        (0.66, 0.68),
        (0.52, 0.8),
    )
    visitor.draw("images-redraw", *three, (0.34, 0.74))
    visitor.enter("images-redraw", count=8)
    visitor.run("images-redraw")
    visitor.status("images-redraw", "done")


def policies(visitor: Visitor) -> None:
    """The fork with something in the way."""
    visitor.go("policies", "watch")
    visitor.choose("policies-watch", "checkpoint", "fork")
    visitor.page.locator("#form-policies-watch .sketch-note", has_text="becalm/Fork-v0").wait_for()
    visitor.draw("policies-watch", (0.5, 0.2), (0.54, 0.2))
    visitor.enter("policies-watch", limit=60)
    visitor.run("policies-watch")
    visitor.status("policies-watch", "done")


def programs(visitor: Visitor) -> None:
    """Solutions of an auction, and how they came to be."""
    visitor.go("programs")
    visitor.choose("programs-sample", "family", "auction")
    visitor.choose("programs-sample", "size", "paper")
    visitor.choose("programs-sample", "tier", "guided")
    visitor.enter("programs-sample", count=30)
    visitor.run("programs-sample")
    visitor.status("programs-sample", "done")


PICTURES: dict[str, Callable[[Visitor], None]] = {
    "images": samples,
    "inpaint": inpaint,
    "redraw": redraw,
    "policies": policies,
    "programs": programs,
}


def main() -> None:
    """Draws them all, or those that are named."""
    wanted = sys.argv[1:] or list(PICTURES)
    with tempfile.TemporaryDirectory() as folder, studio(Path(folder)) as address, chromium() as browser:
        for name in wanted:
            visitor = Visitor(browser, address)
            PICTURES[name](visitor)
            if name != "images":
                visitor.page.wait_for_timeout(1000)  # Until buttons and pictures have their last colours.
            visitor.page.evaluate("window.scrollTo(0, 0)")
            visitor.page.screenshot(path=OUT / f"studio-{name}.png")
            visitor.page.close()
            print(OUT / f"studio-{name}.png", flush=True)


if __name__ == "__main__":
    main()
