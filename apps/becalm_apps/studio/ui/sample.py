"""The panel that every domain has: samples of a model, with the film of its estimates as it is computed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, create_model

from becalm.errors import UserError
from becalm.files.arrays import npz
from becalm.plugin.find import resolve
from becalm.plugin.hooks import DomainRef
from becalm.plugin.report import Picture, Progress, Report, Saved, Table
from becalm.plugin.settings import Settings
from becalm.plugin.widget import Folder, Weights
from becalm.provenance import CheckpointRef, Record, record, stamp, write
from becalm.request import SampleRequest
from becalm_apps.verbs import animation, figure

if TYPE_CHECKING:
    from becalm.model import Drawn, Model

SUMMARY = "Draw samples from a model, and watch them come out of the noise."


def options(ref: DomainRef) -> type[BaseModel]:
    """The form: a model, and the domain's own request."""
    request: type[SampleRequest] = resolve(ref.request) if ref.request else resolve(ref.target).request
    checkpoint: Any = (Annotated[str, Weights()], Field(ref.default, validate_default=False, description="Model."))
    if ref.default is None:
        checkpoint = (Annotated[str, Weights()], Field(description="Model."))
    return create_model(
        "SampleOptions",
        __base__=Settings,
        checkpoint=checkpoint,
        request=(request, Field(default={}, validate_default=True)),
        folder=(Annotated[str, Folder()], Field("", description="Where files are written.")),
    )


def defaults(ref: DomainRef, checkpoint: str) -> dict[tuple[str, ...], Any]:
    """What a model's requests default to, by field."""
    request = open_model(ref, checkpoint).request()
    known: dict[tuple[str, ...], Any] = {}
    for name, value in request.model_dump(include=request.model_fields_set).items():
        # A kind stands as its name, and each of its options for itself.
        options = dict(value) if isinstance(value, dict) else {}
        known[("request", name)] = options.pop("kind", value)
        known |= {("request", name, key): option for key, option in options.items()}
    return known


def words(ref: DomainRef, checkpoint: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """What a model knows to be asked for, by field: its classes, say."""
    known = open_model(ref, checkpoint).domain.words()
    return {("request", name): tuple(words) for name, words in known.items()}


def open_model(ref: DomainRef, name: str) -> "Model[Any]":
    """The model of that name, loaded once.

    Raises:
        UserError: If there is none, it is damaged, or it belongs to another domain.
    """
    from becalm.model import shared

    model = shared(name)
    if model.domain.name != ref.name:
        raise UserError(f"checkpoint {name} is of domain {model.domain.name!r}, not {ref.name!r}")
    return model


def run(ref: DomainRef, options: Any) -> Iterator[Report]:
    """Streams the estimates, then gives samples, figures and files.

    Raises:
        UserError: If the request does not fit the model, or the samples are not finite.
    """
    from becalm.cond import take

    yield Progress(0, 1, "loading")
    model = open_model(ref, options.checkpoint)
    prepared = model.prepare(options.request)
    drawing = prepared.drawing()
    reel = _Reel()
    for step in drawing:
        text = f"t = {float(step.level.t):.2f}"
        yield Progress(drawing.done, drawing.total, text)
        # The film is of the first batch, whatever else is drawn.
        if int(drawing.part[0]) == 0 and reel.due():
            some = take(drawing.cond, drawing.part)
            data = model.decode(step.x0, some, len(drawing.part))
            yield reel.take(model.domain.render(data, some), f"estimate at {text}")
    drawn = drawing.drawn
    made = record(f"{ref.name} sample", prepared.request, model=model)
    yield reel.take(_with_record(model.domain.render(drawn.data, drawn.cond), made), "")
    yield from _figures(model, drawn)
    yield from _files(Path(options.folder), model, drawn, reel.pictures, made)


def recipe(ref: DomainRef, options: Any) -> Record:
    """What is entered, as a command and a few lines of Python can say it."""
    made = record(f"{ref.name} sample", options.request)
    return replace(made, checkpoint=CheckpointRef(options.checkpoint, ""))


def _with_record(picture: Picture, made: Record) -> Picture:
    """The picture as it is saved from the page, too."""
    if picture.mime != "image/png":
        return picture
    return replace(picture, content=stamp(picture.content, ".png", made))


class _Reel:
    """The pictures of a film. What takes long to draw is drawn less often, so that sampling has most of the time."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self._next = 0.0
        self._asked = 0.0

    def due(self) -> bool:
        """Whether it is time for another picture."""
        self._asked = time.perf_counter()
        return self._asked >= self._next

    def take(self, picture: Picture, text: str) -> Picture:
        """Keeps a picture that was drawn since ``due``, and gives it its words."""
        now = time.perf_counter()
        self._next = now + (now - self._asked)
        self.pictures.append(replace(picture, text=text))
        return self.pictures[-1]


def _figures(model: "Model[Any]", drawn: "Drawn[Any]") -> Iterator[Report]:
    yield Table(
        ("figure", "value"),
        (("samples", drawn.count), ("seconds", round(drawn.seconds, 3)), ("checkpoint", model.digest[:8])),
    )
    try:
        figures = {name: float(value) for name, value in model.domain.metrics(drawn.data, drawn.cond).items()}
    except UserError as error:  # Samples without figures are still samples.
        yield f"no figures: {error}"
        return
    heads, rows = figure.table(figures, model.domain.metric_label)
    yield Table(heads, tuple(rows), title="Judged")
    remark = model.domain.remark(figures, drawn.count)
    if remark:
        yield remark


def _files(
    folder: Path, model: "Model[Any]", drawn: "Drawn[Any]", film: Sequence[Picture], made: Record
) -> Iterator[Report]:
    """What can be taken home: the arrays, and where the domain draws PNGs, the picture and the film."""
    contents = {"samples.npz": npz(model.domain.arrays(drawn.data, drawn.cond))}
    if all(picture.mime == "image/png" for picture in film):
        contents["samples.png"] = film[-1].content
        contents["film.gif"] = animation.animate(
            [picture.content for picture in film], [picture.text for picture in film]
        )
    for name, content in contents.items():
        # The frames of the film are those that the page had time for.
        write(folder / name, content, replace(made, timed=name.endswith(".gif")))
        yield Saved(folder / name)
