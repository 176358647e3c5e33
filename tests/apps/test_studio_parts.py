"""The parts of the page that need no browser: fields, turns, runs and their end, what is shown, who comes in."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import torch
from pydantic import BaseModel, ConfigDict, Field

import becalm.model
from becalm.checkpoint import Checkpoint
from becalm.errors import UserError
from becalm.report import Picture, Progress, Report, Saved, Table
from becalm.request import SampleRequest
from becalm.widget import Folder, Sketch, Slider, Upload
from becalm_apps.studio.door import guarded
from becalm_apps.studio.fields import Kind, entries, fill
from becalm_apps.studio.run import Run
from becalm_apps.studio.sketch import drawn
from becalm_apps.studio.stage import Stage, figure
from becalm_apps.studio.turn import Turns
from becalm_apps.studio.visitors import Visitors

# Fields


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
    "shape": Kind.TEXT,
    "spot": Kind.SKETCH,
    "folder": Kind.FOLDER,
    "speed": Kind.SLIDER,
    "steps": Kind.SLIDER,
    "eta": Kind.SLIDER,
    "times": Kind.TEXT,
    "spacing": Kind.CHOICE,
}


def test_the_kind_of_a_field_follows_from_its_type_and_its_marker() -> None:
    found = {".".join(entry.path): entry.kind for entry in entries(Everything)}
    assert {name: found[name] for name in KINDS} == KINDS
    assert set(found) == {*Everything.model_fields} - {"inner"} | {"inner.rate"}


def test_what_is_a_domains_own_comes_first_and_what_is_seldom_needed_stands_aside() -> None:
    names = [entry.path[-1] for entry in entries(Everything)]
    assert names.index("side") < names.index("count") < names.index("steps") < names.index("eta")
    assert {entry.path[-1] for entry in entries(Everything) if entry.aside} == (
        set(SampleRequest.model_fields) - {"count", "seed", "sampler", "steps", "guidance"}
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
        drawn(Sketch("disc"), value, tmp_path / "a.png")
    assert drawn(Sketch("disc"), "0.5,0.25,0.1", tmp_path / "a.png") == "0.5,0.25,0.1"


@pytest.mark.parametrize(
    "value",
    ["", "data:image/png;base64,", "data:image/png;base64,AAAA", "file:///a.png", "data:image/svg+xml;base64,PHN2Zz4="],
)
def test_a_drawing_is_a_png_and_nothing_else(value: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be a PNG"):
        drawn(Sketch("mask"), value, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


# Runs


def watched(run: Run) -> list[Report]:
    """What a run reports, to its end."""
    assert run.join(20)
    return run.take()


def test_a_run_gives_its_reports_in_order_and_ends() -> None:
    run = Run(lambda: iter(["a", Progress(1, 2), "b"]), Turns())
    assert watched(run) == ["a", Progress(1, 2), "b"]
    assert run.ended and run.finished and run.error is None


def test_stopping_closes_the_generator_before_its_next_report() -> None:
    asked, closed = threading.Event(), threading.Event()
    made: list[int] = []

    def work() -> Iterator[Report]:
        try:
            for number in range(10**6):
                made.append(number)
                if number == 3:
                    asked.set()
                yield Progress(number, 10**6)
        finally:
            closed.set()

    turns = Turns()
    with turns.turn():  # So that it cannot run on while it is being stopped.
        run = Run(work, turns)
    assert asked.wait(20)
    run.stop()
    assert run.join(20) and closed.is_set() and not run.finished
    count = len(made)
    assert watched(run) and len(made) == count < 10**6


def test_a_run_that_waits_for_its_turn_can_be_stopped() -> None:
    turns = Turns()
    with turns.turn():
        run = Run(lambda: iter(["never"]), turns)
        run.stop()
        assert run.join(20)
    assert watched(run) == [] and not run.finished


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UserError("too\nfew"), "too few"),
        (KeyError("x"), "internal error, KeyError: 'x'"),
        (SystemExit(3), "internal error, SystemExit: 3"),
        (OSError(28, "No space left on device", "a"), "a: No space left on device"),
    ],
)
def test_a_failure_is_the_sentence_of_the_command_line(error: BaseException, says: str) -> None:
    def work() -> Iterator[Report]:
        yield "begun"
        raise error

    run = Run(work, Turns())
    assert watched(run) == ["begun"]
    assert run.error == says and not run.finished


def test_of_pictures_that_come_at_once_the_last_is_kept_and_no_words_are_lost() -> None:
    reports: list[Report] = [Picture("image/png", b"1"), "a", Picture("image/png", b"2"), "b"]
    run = Run(lambda: iter(reports), Turns())
    assert run.join(20)
    assert watched(run) == ["a", Picture("image/png", b"2"), "b"]


def test_two_runs_take_turns_step_by_step() -> None:
    """A long run does not keep a short one waiting: between two of its steps the other has one."""
    order: list[str] = []

    def work(name: str, count: int) -> Iterator[Report]:
        for _ in range(count):
            order.append(name)
            yield name

    turns = Turns()
    with turns.turn():  # Both are waiting before either begins.
        runs = [Run(lambda name=name, count=count: work(name, count), turns) for name, count in (("a", 200), ("b", 20))]
        while not all(run.waits for run in runs):
            pass
    assert all(run.join(20) for run in runs)
    last = max(place for place, name in enumerate(order) if name == "b")
    assert order[:last].count("a") <= 25


def test_a_visitor_who_leaves_takes_runs_and_files_along_and_nobody_elses(tmp_path: Path) -> None:
    visitors = Visitors(tmp_path)
    closed = {name: threading.Event() for name in "ab"}

    def work(name: str) -> Iterator[Report]:
        try:
            while True:
                yield name
        finally:
            closed[name].set()

    folders = {name: visitors.folder(name) for name in "ab"}
    runs = {name: visitors.begin(name, "panel", lambda name=name: work(name)) for name in "ab"}
    visitors.leave("a")
    assert closed["a"].wait(20)
    assert all(thread.name != "leave" or not thread.join(20) for thread in threading.enumerate())
    assert not folders["a"].exists() and folders["b"].is_dir() and not runs["b"].ended
    visitors.close()
    assert closed["b"].wait(20)


# What is shown


def test_what_a_panel_says_is_text_and_never_markup() -> None:
    stage = Stage()
    bad = "<script>x</script>\"'&"
    stage.add([bad, Table((bad,), ((bad,),), title=bad), Progress(1, 2, bad), Picture("image/png", b"", bad)])
    shown = stage.told() + stage.status("working") + stage.shown() + stage.status("failed", error=bad)
    assert "<script" not in shown and shown.count("&lt;script&gt;") == 8


@pytest.mark.parametrize("mime", ["text/html", 'image/png" onload="x', "image/", "application/pdf"])
def test_what_is_no_picture_is_not_shown(mime: str) -> None:
    with pytest.raises(UserError, match="a page shows pictures"):
        figure(Picture(mime, b""))


def test_a_table_takes_the_place_of_the_one_before() -> None:
    stage = Stage()
    stage.add([Table(("a",), ((1,),)), Table(("a",), ((2,),)), Table(("b",), ((3,),))])
    assert [table.rows for table in stage.tables.values()] == [((2,),), ((3,),)]
    stage.add([Saved(Path("x")), Saved(Path("y")), Saved(Path("x"))])
    assert stage.paths() == [Path("y"), Path("x")]


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(TypeError, match="a panel must yield"):
        Stage().add([3])  # type: ignore[list-item]


# Who comes in


def answer(
    token: str | None, *, host: str = "127.0.0.1:7860", query: str = "", cookie: str = ""
) -> tuple[int, dict[str, str]]:
    """Status and headers that a request gets from an app behind the door."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"secret"})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", host.encode()), (b"cookie", cookie.encode())]
    scope = {"type": "http", "path": "/", "query_string": query.encode(), "headers": headers}
    asyncio.run(guarded(app, token=token)(scope, send, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:7860", "localhost", "[::1]:80"])
def test_on_loopback_whoever_names_it_comes_in(host: str) -> None:
    assert answer(None, host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7860", "localhost.evil:1", ""])
def test_a_page_from_elsewhere_cannot_reach_loopback_by_a_name_of_its_own(host: str) -> None:
    assert answer(None, host=host)[0] == 403


def test_elsewhere_the_token_is_wanted_once_and_then_its_cookie() -> None:
    assert answer("secret")[0] == 401
    assert answer("secret", query="token=wrong")[0] == 401
    status, headers = answer("secret", query="token=secret", host="any.where")
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"].partition(";")[0]
    assert "HttpOnly" in headers["set-cookie"] and "SameSite=Strict" in headers["set-cookie"]
    assert answer("secret", cookie=cookie, host="any.where")[0] == 200
    assert answer("other", cookie=cookie)[0] == 401


def test_a_page_is_told_to_fetch_nothing_from_elsewhere() -> None:
    policy = answer(None)[1]["content-security-policy"]
    sources = {word for part in policy.split(";") for word in part.split()[1:]}
    assert sources <= {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}


# A model is loaded once


def test_a_shared_model_is_loaded_once_and_again_when_its_file_changes(trained: Path) -> None:
    first = becalm.model.shared(trained)
    assert becalm.model.shared(trained) is first and becalm.model.shared(str(trained), "cpu") is first
    checkpoint = Checkpoint.read(trained)
    changed = {name: tensor + 1 for name, tensor in checkpoint.tensors.items()}
    Checkpoint(changed, checkpoint.config).write(trained)
    second = becalm.model.shared(trained)
    assert second is not first and second.digest != first.digest
    assert torch.equal(second.sample(count=2).data, becalm.model.load(trained).sample(count=2).data)


def test_many_who_ask_at_once_get_one_model(trained: Path) -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(becalm.model.shared(trained))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len({id(model) for model in found}) == 1
