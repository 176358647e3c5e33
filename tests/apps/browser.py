"""A studio in a process of its own and a Chromium to look at it with, for the tests of the page."""

import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from running import environment_with, started

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # The network is cut: no name is found but the one of this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
PATIENCE = int(os.environ.get("BECALM_PATIENCE", "120")) * 1000
"""Milliseconds until a test gives up waiting for the page."""


@contextmanager
def studio(folder: Path, *flags: object, paths: list[str] | None = None) -> Iterator[str]:
    """The address of a studio that works in a folder, with plugins on further paths."""
    words = ["studio", "--port", 0, *flags]
    process = started(words, folder, environment_with(paths or []), stderr=(folder / "stderr").open("w"))
    watchdog = threading.Timer(PATIENCE / 1000, process.kill)
    watchdog.start()
    try:
        line = process.stdout.readline().strip() if process.stdout else ""
        watchdog.cancel()
        assert re.fullmatch(r"http://\S+", line), (folder / "stderr").read_text()
        yield line
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        finally:
            process.kill()
    assert process.returncode == 130, (folder / "stderr").read_text()


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser's window. Without one, tests are skipped; where BECALM_BROWSER is required, that is a failure."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        message = "there is no browser: apt-get install chromium"
        pytest.fail(message) if os.environ.get("BECALM_BROWSER") == "required" else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            # Every page is a visitor of its own; in one window they share what the browser has fetched already.
            yield browser.new_context(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
        finally:
            browser.close()


class Visitor:
    """A visitor's page.

    Attributes:
        asked: Every address that it asked for; said: what its console said.
    """

    def __init__(self, context: Any, address: str) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.goto(address)

    def go(self, *tabs: str) -> None:
        """Opens a tab, and one within it."""
        self.page.bring_to_front()
        for tab in tabs:
            self.page.get_by_role("tab", name=tab, exact=True).locator("visible=true").click()

    def field(self, panel: str, name: str, kind: str = "input:not([type=range]), textarea") -> Any:
        """What a field is entered in."""
        return self.page.locator(f"#field-{panel}-{name}").locator(kind).first

    def enter(self, panel: str, **values: object) -> None:
        """Types into fields, or moves sliders by their numbers."""
        for name, value in values.items():
            self.field(panel, name).fill(str(value))
            self.field(panel, name).press("Tab")

    def choose(self, panel: str, name: str, value: str) -> None:
        """Chooses from a list."""
        self.field(panel, name).click()
        self.page.get_by_role("option", name=value, exact=True).click()

    def upload(self, panel: str, path: Path) -> None:
        """Gives a file to the first field of a panel that takes one."""
        clear = self.page.locator(f"#form-{panel} button[aria-label='Clear']")
        if clear.count():
            clear.click()
        place = self.page.locator(f"#form-{panel} input[type=file]").first
        place.set_input_files(str(path))
        self.page.locator(f"#form-{panel}").get_by_text(path.stem).first.wait_for()

    def draw(self, panel: str, *points: tuple[float, float]) -> None:
        """Draws on the canvas of a panel, through points in shares of its width and height."""
        canvas = self.page.locator(f"#form-{panel} canvas").first
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=8)
        self.page.mouse.up()

    def run(self, panel: str) -> None:
        """Presses the button, and waits until what is shown is of the new run."""
        self.page.bring_to_front()  # A page behind another one draws nothing.
        began = self._began(panel)
        self.page.locator(f"#run-{panel}").click()
        self.page.locator(f"#status-{panel} .status:not([data-began='{began}'])").wait_for()

    def _began(self, panel: str) -> str:
        found = self.page.locator(f"#status-{panel} .status")
        return str(found.get_attribute("data-began")) if found.count() else ""

    def status(self, panel: str, state: str) -> str:
        """Waits for a state; what the page says then."""
        self.page.bring_to_front()
        if state in ("done", "stopped", "failed"):
            ends = ", ".join(f"#status-{panel} .status.{end}" for end in ("done", "stopped", "failed"))
            self.page.locator(ends).wait_for()
        found = self.page.locator(f"#status-{panel} .status.{state}")
        if not found.count():
            raise AssertionError(self.page.locator(f"#status-{panel}").inner_text())
        return str(found.inner_text())

    def stop(self, panel: str) -> None:
        """Presses the other button, as soon as there is something to see."""
        self.page.bring_to_front()
        self.page.locator(f"#picture-{panel} img").wait_for()
        self.page.locator(f"#stop-{panel}").click()

    def picture(self, panel: str) -> bytes:
        """The picture that stands there."""
        import base64

        source = self.page.locator(f"#picture-{panel} img").get_attribute("src")
        return base64.b64decode(source.partition(",")[2])

    def told(self, panel: str) -> str:
        """Tables and lines."""
        return str(self.page.locator(f"#told-{panel}").inner_text())

    def download(self, panel: str, name: str) -> bytes:
        """A file that the page offers."""
        with self.page.expect_download() as started:
            self.page.locator(f"#files-{panel} a[download='{name}']").click()
        return Path(started.value.path()).read_bytes()
