"""The panel that every domain has: samples of a model, with the film of its estimates as it is computed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, create_model

from becalm.errors import UserError
from becalm.files.atomic import write_atomic
from becalm.plugin.find import resolve
from becalm.plugin.hooks import DomainRef
from becalm.plugin.report import Picture, Progress, Report, Saved, Table
from becalm.plugin.request import SampleRequest
from becalm.plugin.settings import Settings
from becalm.plugin.widget import Folder, Weights
from becalm_apps.verbs import animation, output

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.model import Model

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
    model = open_model(ref, checkpoint)
    return {("request", name): value for name, value in model.domain.usual().items()}


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
    import torch

    from becalm.cond import take

    yield Progress(0, 1, "loading")
    model = open_model(ref, options.checkpoint)
    request = model.settled(options.request)
    cond = model.domain.condition(request)
    # The film is of the first batch, whatever else is drawn.
    some = take(cond, torch.arange(min(request.count, request.batch)))
    total, done = -(-request.count // request.batch) * request.updates, 0
    ends: list[torch.Tensor] = []
    reel = _Reel()
    begun = time.perf_counter()
    for part in model.runs(request):
        end: torch.Tensor | None = None
        for step in part:
            end, done = step.x, done + 1
            yield Progress(done, total, f"t = {float(step.level.t):.2f}")
            if not ends and reel.due():
                yield reel.take(model.domain.render(step.x0, some), f"estimate at t = {float(step.level.t):.2f}")
        if end is not None:
            ends.append(end.cpu())
    seconds = time.perf_counter() - begun
    x0 = torch.cat(ends)
    if not bool(torch.isfinite(x0).all()):
        raise UserError("the samples are not finite: lower the guidance, or take more steps")
    yield reel.take(model.domain.render(x0, cond), "")
    yield from _figures(model, x0, cond, seconds)
    yield from _files(Path(options.folder), model, x0, cond, reel.pictures)


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
        self.pictures.append(picture)
        return replace(picture, text=text)


def _figures(model: "Model[Any]", x0: "Tensor", cond: Any, seconds: float) -> Iterator[Report]:
    yield Table(
        ("figure", "value"),
        (("samples", len(x0)), ("seconds", round(seconds, 3)), ("checkpoint", model.digest[:8])),
    )
    try:
        figures = model.domain.metrics(x0, cond)
    except UserError as error:  # Samples without figures are still samples.
        yield f"no figures: {error}"
        return
    yield Table(("figure", "value"), tuple((name, float(value)) for name, value in figures.items()), title="Judged")


def _files(folder: Path, model: "Model[Any]", x0: "Tensor", cond: Any, pictures: Sequence[Picture]) -> Iterator[Report]:
    """What can be taken home: the arrays, and where the domain draws PNGs, the picture and the film."""
    contents = {"samples.npz": output.npz(model.domain.arrays(x0, cond))}
    if all(picture.mime == "image/png" for picture in pictures):
        contents["samples.png"] = pictures[-1].content
        contents["film.gif"] = animation.animate([picture.content for picture in pictures])
    for name, content in contents.items():
        write_atomic(folder / name, content)
        yield Saved(folder / name)
