"""A result that is dropped on a panel fills its form: what is then run makes the same result; copied, it says it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from becalm.plugin.find import domain_ref, installed
from becalm.plugin.report import Saved
from becalm.provenance import read, write
from becalm_apps.studio.session.sessions import Sessions
from becalm_apps.studio.ui.entry import entries
from becalm_apps.studio.ui.panel import panels
from becalm_apps.studio.ui.panel_controller import PanelController

Run = Callable[..., tuple[int, str, str]]
VISITOR: Any = SimpleNamespace(session_hash="visitor")


def controller(domain: str, name: str, folder: Path) -> PanelController:
    folder.mkdir()
    panel = next(panel for panel in panels(domain_ref(domain), installed()) if panel.name == name)
    model = panel.options()
    return PanelController(panel, model, entries(model), Sessions(folder))


def load(desk: PanelController, file: Path) -> tuple[Any, ...]:
    """What the page is told after a file was uploaded to it."""
    place = desk.sessions.uploads / "a1" / file.name
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, place)
    return desk.load(VISITOR, str(place))


def dropped(desk: PanelController, file: Path, defaults: list[Any]) -> list[Any]:
    """What stands in the form after a file was dropped on it."""
    status, *updates = load(desk, file)
    assert "stand in the form" in status, status
    return [update.get("value", before) for update, before in zip(updates, defaults, strict=True)]


def shown(desk: PanelController) -> list[Any]:
    return [entry.default for entry in desk.entries if entry.kind.value != "folder"]


@pytest.mark.parametrize("suffix", [".png", ".npz"])
def test_a_result_of_the_command_is_made_by_the_page(suffix: str, becalm: Run, trained: Path, tmp_path: Path) -> None:
    words = ["--count", 3, "--seed", 2**40, "--sampler", "ddim", "--eta", 0.5, "--side", "right"]
    assert becalm("toy", "sample", "--checkpoint", trained, *words, "--times", "1,0.5", "--out", f"a{suffix}")[0] == 0
    desk = controller("toy", "sample", tmp_path / "desk")
    entered = dropped(desk, tmp_path / f"a{suffix}", shown(desk))
    place = tmp_path / "made"
    options = desk.options(place, [str(trained), *entered[1:]])
    list(desk.panel.work(options))
    assert (place / f"samples{suffix}").read_bytes() == (tmp_path / f"a{suffix}").read_bytes()
    command, python = desk.recipe(VISITOR, *[str(trained), *entered[1:]])
    assert "--sampler ddim --sampler.eta 0.5" in command and "--side right" in command
    assert "'eta': 0.5" in python and python.startswith("import becalm")


def test_a_result_of_the_page_is_made_by_the_command(becalm: Run, tmp_path: Path, trained: Path) -> None:
    desk = controller("toy", "sample", tmp_path / "desk")
    options = desk.options(tmp_path, [str(trained), *shown(desk)[1:]])
    files = [report.path for report in desk.panel.work(options) if isinstance(report, Saved)]
    assert {file.name for file in files} == {"samples.npz", "samples.png", "film.gif"}
    for file in files:
        timed = read(file).timed
        code, out, err = becalm("again", file)
        assert (code, timed) == ((2, True) if file.suffix == ".gif" else (0, False)), out + err


def test_an_edit_brings_its_image_along(becalm: Run, tmp_path: Path) -> None:
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(tmp_path / "one.png")
    words = ["--image", "one.png", "--mask", "top", "--label", "1", "--count", 1, "--steps", 1, "--out", "edited.png"]
    assert becalm("images", "edit", *words)[0] == 0
    made = read(tmp_path / "edited.png")
    write(tmp_path / "edited.png", (tmp_path / "edited.png").read_bytes(), replace(made, command="images inpaint"))
    desk = controller("images", "inpaint", tmp_path / "desk")
    names = [".".join(entry.path) for entry in desk.entries if entry.kind.value != "folder"]
    entered = dict(zip(names, dropped(desk, tmp_path / "edited.png", shown(desk)), strict=True))
    assert (entered["count"], entered["label"], entered["steps"]) == (1, "1", 1)
    assert Path(entered["image"]).read_bytes() == (tmp_path / "one.png").read_bytes()


def test_what_belongs_elsewhere_says_where(becalm: Run, trained: Path, tmp_path: Path) -> None:
    assert becalm("toy", "sample", "--checkpoint", trained, "--steps", 2, "--out", "a.png")[0] == 0
    desk = controller("images", "sample", tmp_path / "desk")
    status, *updates = load(desk, tmp_path / "a.png")
    assert "a.png was made by toy sample, not by images sample" in status
    assert all("value" not in update for update in updates)
    Image.new("L", (2, 2)).save(tmp_path / "b.png")
    assert "does not say how it was made" in load(desk, tmp_path / "b.png")[0]


def test_a_file_of_the_servers_own_is_not_taken_for_one_that_was_dropped(tmp_path: Path) -> None:
    desk = controller("images", "sample", tmp_path / "desk")
    Image.new("L", (2, 2)).save(tmp_path / "mine.png")
    assert "mine.png is no file that was uploaded to this page" in desk.load(VISITOR, str(tmp_path / "mine.png"))[0]
