"""Samples of a model with a bar, a film and a count of network calls: what ``sample`` and ``evaluate`` share."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from pydantic import BaseModel

from becalm.errors import UserError
from becalm.plugin.find import resolve
from becalm.plugin.hooks import DomainRef
from becalm.request import SampleRequest
from becalm_apps.cli import common
from becalm_apps.cli.form import Form
from becalm_apps.cli.progress import bar
from becalm_apps.cli.words import Words

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.model import Drawn, Model


def request_form(
    ref: DomainRef, taken: Sequence[str], defaults: Mapping[str, Any] | None = None, *, target: str | None = None
) -> Form:
    """The flags of a domain's sampling request, found without torch if the plugin says where.

    Args:
        target: ``package.module:Class`` of another request.
    """
    named = target or ref.request
    model: type[BaseModel] = resolve(named) if named else resolve(ref.target).request

    def section(key: str) -> str:
        return "sampling" if key in SampleRequest.model_fields else ref.name

    return Form(ref.name, model, section=section, taken=taken, defaults=defaults or {})


def options(ref: DomainRef) -> list[click.Option]:
    """The flags of their own that ``sample`` and ``evaluate`` share."""
    note = f"Name or .safetensors file of a model; names: {', '.join(ref.pretrained) or 'none'}."
    default = f"  [default: {ref.default}]" if ref.default else ""
    return [
        click.Option(
            ["--checkpoint"], metavar="NAME|FILE", help=note + default, type=Words(tuple(ref.pretrained), files=True)
        ),
        common.device(),
        common.quiet("Nothing but results and errors."),
        common.as_json("Print the summary as JSON."),
    ]


def open_model(ref: DomainRef, name: str | None, device: str) -> "Model[Any]":
    """The model of that name, or the domain's default one.

    Raises:
        UserError: If there is none, it is damaged, or it belongs to another domain.
    """
    from becalm.device import pick
    from becalm.model import load

    chosen = name or ref.default
    if chosen is None:
        known = ", ".join(ref.pretrained) or "none"
        raise UserError(f"{ref.name} has no default checkpoint: name one by --checkpoint; pretrained are {known}")
    pick(device)
    model = load(chosen, device)
    if model.domain.name != ref.name:
        raise UserError(
            f"checkpoint {chosen} is of domain {model.domain.name!r}, not {ref.name!r}: use becalm {model.domain.name}"
        )
    return model


class Frame(NamedTuple):
    """A moment of a run.

    Attributes:
        data: The samples as they are there. text: Which moment it is.
    """

    data: "Tensor"
    text: str


def generate(
    model: "Model[Any]", request: SampleRequest, *, title: str, quiet: bool, frames: Collection[int] = ()
) -> tuple["Drawn[Any]", list["Frame"]]:
    """Draws the samples of a request, with a bar.

    Args:
        frames: Numbers of the steps to keep as frames.

    Returns:
        The samples; and at each of these steps, x scaled to unit variance of signal and noise together.

    Raises:
        UserError: If the samples are not finite, or another process of a launcher draws them.
    """
    import torch

    from becalm.device import refuse_same

    refuse_same(request.first, request.seed)
    films: dict[int, list[Tensor]] = {number: [] for number in sorted(frames)}
    words: dict[int, str] = {}
    drawing = model.prepare(request).drawing()
    with bar(title, drawing.total, quiet=quiet) as advance:
        for step in drawing:
            if step.index in films:
                films[step.index].append((step.x / step.level.total_std.to(step.x)).cpu())
                words[step.index] = f"step {step.index + 1} of {request.updates}, t = {float(step.level.t.max()):.2f}"
            advance("")
    drawn = drawing.drawn
    decoded = ((number, model.decode(torch.cat(parts), drawn.cond, request.count)) for number, parts in films.items())
    return drawn, [Frame(data, words[number]) for number, data in decoded]
