"""The page in a real browser: what each tab is for, stop, bad uploads, two visitors, a stranger's tab, no network."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browser import Visitor, chromium, studio
from PIL import Image

import becalm
from becalm.train import begin
from becalm.train.plan import with_defaults
from becalm.train.resume import export

Run = Callable[..., tuple[int, str, str]]
GAP, TILE, ZOOM = 2, 28, 3


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, plugins: list[str]) -> Path:
    """Where the studio works: with a model of the toy plugin's among its runs."""
    from becalm_toy.domain import Toy

    folder = tmp_path_factory.mktemp("studio")
    (folder / "runs").mkdir()
    domain = Toy()
    state = begin(domain, *with_defaults(domain), torch.device("cpu"))
    export(state).write(folder / "runs" / "toy.safetensors")
    return folder


@pytest.fixture(scope="module")
def address(place: Path, plugins: list[str]) -> Iterator[str]:
    with studio(place, paths=plugins) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[[], Visitor]]:
    """Lets one more visitor in."""
    visitors: list[Visitor] = []

    def enter() -> Visitor:
        visitors.append(Visitor(browser, address))
        return visitors[-1]

    yield enter
    for visitor in visitors:
        visitor.page.close()


@pytest.fixture(scope="module")
def visitor(browser: Any, address: str) -> Visitor:
    """One who stays for several tests."""
    return Visitor(browser, address)


def tiles(content: bytes, count: int) -> np.ndarray:
    """The first images of a grid, at most five in a row, (count, 28, 28)."""
    with Image.open(io.BytesIO(content)) as picture:
        pixels = np.asarray(picture.convert("L"))[::ZOOM, ::ZOOM]
    corners = [(GAP + number // 5 * (TILE + GAP), GAP + number % 5 * (TILE + GAP)) for number in range(count)]
    return np.stack([pixels[top : top + TILE, left : left + TILE] for top, left in corners])


# Images


def test_a_film_streams_and_ends_in_the_picture_that_the_library_draws(visitor: Visitor, address: str) -> None:
    visitor.page.locator("#run-images-sample").wait_for()
    visitor.page.evaluate(
        "window.seen = new Set(); new MutationObserver(() => { const found = document.querySelector("
        "'#picture-images-sample img'); if (found) window.seen.add(found.alt); }).observe("
        "document.querySelector('#picture-images-sample'), {childList: true, subtree: true, attributes: true});"
    )
    visitor.enter("images-sample", **{"request-count": 4, "request-steps": 8, "request-seed": 3})
    visitor.run("images-sample")
    visitor.status("images-sample", "done")
    expected = becalm.load("mnist").sample(count=4, steps=8, seed=3)
    assert visitor.picture("images-sample") == expected.picture().content
    assert len([text for text in visitor.page.evaluate("[...window.seen]") if text.startswith("estimate at t = ")]) >= 2
    assert "accuracy" in visitor.told("images-sample")
    with np.load(io.BytesIO(visitor.download("images-sample", "samples.npz")), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["images"], expected.data.round().clamp(0, 255).to(torch.uint8)[:, 0].numpy())
    # Nothing was asked of anyone else, and nothing was kept from asking.
    assert {url for url in visitor.asked if not url.startswith((address, "data:", "blob:"))} == set()
    assert [text for text in visitor.said if "Content Security Policy" in text or "ERR_" in text] == []


def test_what_is_not_drawn_over_is_kept_to_the_letter(visitor: Visitor) -> None:
    visitor.go("images", "inpaint")
    visitor.page.locator("#form-images-inpaint .sketch-note", has_text="a sample of the model").wait_for()
    visitor.run("images-inpaint")
    assert visitor.status("images-inpaint", "failed").startswith("draw over a part of the image first")
    visitor.draw("images-inpaint", (0.1, 0.7), (0.9, 0.7))
    visitor.enter("images-inpaint", count=3, steps=2)
    visitor.run("images-inpaint")
    visitor.status("images-inpaint", "done")
    image, kept, *edits = tiles(visitor.picture("images-inpaint"), 5)
    hidden = image != kept
    assert hidden[19].any() and not hidden[:17].any() and not hidden[23:].any()
    assert all(np.array_equal(edit[:17], image[:17]) and np.array_equal(edit[23:], image[23:]) for edit in edits)
    assert any((edit[17:23] != image[17:23]).any() for edit in edits)


def test_a_scribble_barely_noised_comes_back_nearly_as_it_was_drawn(visitor: Visitor) -> None:
    visitor.go("images", "redraw")
    visitor.draw("images-redraw", (0.5, 0.2), (0.5, 0.8))
    visitor.enter("images-redraw", count=2, steps=2, start=0.05)
    visitor.run("images-redraw")
    visitor.status("images-redraw", "done")
    drawing, *edits = tiles(visitor.picture("images-redraw"), 3).astype(float)
    assert drawing[6:22, 13:15].min() > 200 and drawing[:, :11].max() == 0
    assert all(np.abs(edit - drawing).mean() < 10 for edit in edits)


# Policies


def test_a_policy_acts_and_an_obstacle_lies_where_it_was_put(visitor: Visitor) -> None:
    visitor.go("policies", "watch")
    visitor.choose("policies-watch", "checkpoint", "fork")
    visitor.page.locator("#form-policies-watch .sketch-note", has_text="becalm/Fork-v0").wait_for()
    visitor.draw("policies-watch", (0.5, 0.2), (0.6, 0.2))
    visitor.enter("policies-watch", limit=4)
    visitor.run("policies-watch")
    visitor.status("policies-watch", "done")
    with Image.open(io.BytesIO(visitor.picture("policies-watch"))) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    (y, x) = (0.2 * np.array(pixels.shape[:2]) * (1, 2.5)).astype(int)
    assert pixels[y, x, 0] - pixels[y, x, 1] > 40
    assert np.ptp(pixels[y, 20]) < 20
    told = visitor.told("policies-watch")
    assert "latency per chunk, ms: p50" in told and "nearest action to the obstacle's middle" in told


# Programs


def test_the_best_solution_that_is_downloaded_is_feasible(visitor: Visitor, tmp_path: Path) -> None:
    from becalm_programs.verify import verify

    from becalm_programs.families import generate
    from becalm_programs.formats.mps import write_mps

    program = generate("knapsack", "tiny", 3)
    write_mps(tmp_path / "mine.mps", program)
    visitor.go("programs")
    visitor.upload("programs-sample", tmp_path / "mine.mps")
    visitor.enter("programs-sample", count=4, steps=3)
    visitor.run("programs-sample")
    visitor.status("programs-sample", "done")
    head, *lines, _record = visitor.download("programs-sample", "best.sol").decode().splitlines()
    values = {name: float(value) for name, value in (line.split() for line in lines)}
    verdict = verify(program, np.array([[values[name] for name in program.names]]))
    assert verdict.feasible[0] and float(head.split()[1]) == pytest.approx(verdict.objective[0])
    assert f"{verdict.objective[0]:.4g}" in visitor.told("programs-sample")
    assert len(visitor.picture("programs-sample")) > 5000


@pytest.mark.parametrize(
    ("name", "content"), [("bad.mps", b"ROWS\n N obj\nnonsense\n"), ("bad.lp", b"\xff\xfe\x00"), ("bad.txt", b"x")]
)
def test_a_bad_upload_gets_the_sentence_of_the_command_line(
    name: str, content: bytes, visitor: Visitor, becalm: Run, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    code, _, said = becalm("programs", "sample", name)
    assert code == 2
    visitor.go("programs")
    visitor.upload("programs-sample", tmp_path / name)
    visitor.run("programs-sample")
    assert f"becalm: {visitor.status('programs-sample', 'failed')}\n" == said
    # And the visitor goes on.
    assert visitor.page.locator("#run-programs-sample").is_enabled()


# A stranger's tab


def test_a_third_partys_domain_has_its_tab_its_models_and_its_panels(visitor: Visitor, place: Path) -> None:
    visitor.go("toy")
    visitor.choose("toy-sample", "checkpoint", "runs/toy.safetensors")
    visitor.choose("toy-sample", "request-side", "right")
    visitor.enter("toy-sample", **{"request-count": 2, "request-steps": 3})
    visitor.run("toy-sample")
    visitor.status("toy-sample", "done")
    expected = becalm.load(place / "runs" / "toy.safetensors").sample(count=2, steps=3, side="right")
    assert visitor.picture("toy-sample") == expected.picture().content
    visitor.go("lost")
    assert "becalm_toy.absent" in visitor.page.get_by_role("alert").locator("visible=true").inner_text()


def test_what_is_entered_reaches_a_strangers_panel_and_what_it_says_is_shown_as_text(visitor: Visitor) -> None:
    visitor.go("toy", "blink")
    visitor.run("toy-blink")
    assert visitor.status("toy-blink", "failed") == "name is missing"
    visitor.enter("toy-blink", name="ada", shape="3, 4")
    visitor.choose("toy-blink", "colour", "green")
    visitor.field("toy-blink", "bright").uncheck()
    visitor.run("toy-blink")
    visitor.status("toy-blink", "done")
    told = visitor.told("toy-blink")
    rows = dict(line.split("\t") for line in told.splitlines() if "\t" in line)
    assert (
        rows["name"] == "ada" and rows["shape"] == "(3, 4)" and rows["colour"] == "green" and rows["bright"] == "False"
    )
    assert "ada <i>has</i> blinked" in told
    assert b'fill="green"' in visitor.picture("toy-blink")


# Stop


def test_stop_ends_the_work_at_once(visitor: Visitor, place: Path) -> None:
    visitor.go("toy", "blink")
    visitor.enter("toy-blink", name="stopped", times=10**6)
    visitor.run("toy-blink")
    assert not (place / "stopped.closed").exists()
    visitor.stop("toy-blink")
    assert visitor.status("toy-blink", "stopped").startswith("stopped after")
    # By then the generator is closed, and nothing is at work any more.
    assert (place / "stopped.closed").exists()
    blinks = len((place / "stopped.blinks").read_text())
    assert 0 < blinks < 10**6
    visitor.enter("toy-blink", name="again", times=2)
    visitor.run("toy-blink")
    visitor.status("toy-blink", "done")
    assert len((place / "stopped.blinks").read_text()) == blinks


def test_a_visitor_who_leaves_stops_the_work(visitor: Visitor, visit: Callable[[], Visitor], place: Path) -> None:
    leaver = visit()
    leaver.go("toy", "blink")
    leaver.enter("toy-blink", name="leaver", times=10**6)
    leaver.run("toy-blink")
    leaver.page.locator("#picture-toy-blink img").wait_for()
    leaver.page.close()
    for _ in range(600):
        if (place / "leaver.closed").exists():
            break
        visitor.page.wait_for_timeout(100)
    assert (place / "leaver.closed").exists()
    assert len((place / "leaver.blinks").read_text()) < 10**6


# Two visitors


def test_two_visitors_at_a_time_do_not_disturb_each_other(
    visitor: Visitor, visit: Callable[[], Visitor], place: Path
) -> None:
    other = visit()
    for name, times, one in (("halted", 10**6, visitor), ("lasting", 40, other)):
        one.go("toy", "blink")
        one.enter("toy-blink", name=name, times=times)
    for one in (visitor, other):
        one.run("toy-blink")
    # A long run does not keep a short one waiting.
    other.status("toy-blink", "done")
    assert "lasting <i>has</i> blinked" in other.told("toy-blink") and "halted" not in other.told("toy-blink")
    assert other.download("toy-blink", "own.txt") == b"lasting"
    assert len((place / "lasting.blinks").read_text()) == 40
    assert not (place / "halted.closed").exists()
    # What one stops, and runs next, is not the other's.
    visitor.stop("toy-blink")
    visitor.status("toy-blink", "stopped")
    visitor.enter("toy-blink", name="first", times=2)
    visitor.run("toy-blink")
    visitor.status("toy-blink", "done")
    assert visitor.download("toy-blink", "own.txt") == b"first"
    assert "lasting <i>has</i> blinked" in other.told("toy-blink")


# The command


def test_a_port_that_is_taken_is_one_sentence(becalm: Run, address: str) -> None:
    port = address.rstrip("/").rpartition(":")[2]
    code, out, err = becalm("studio", "--port", port)
    assert (code, out) == (2, "")
    assert err.startswith(f"becalm: cannot listen on 127.0.0.1 port {port}") and err.count("\n") == 1
