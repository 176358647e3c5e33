"""Samples of a model with a bar, a film and a count of network calls: what ``sample`` and ``evaluate`` share."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from pydantic import BaseModel

from becalm.errors import UserError
from becalm.plugin.find import resolve
from becalm.plugin.hooks import DomainRef
from becalm.plugin.request import SampleRequest
from becalm_apps.cli import common
from becalm_apps.cli.form import Form
from becalm_apps.cli.progress import bar
from becalm_apps.cli.words import Words

if TYPE_CHECKING:
    from torch import Tensor

    from becalm.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Generation:
    """Samples in diffusion space.

    Attributes:
        cond: Their conditions.
        frames: The samples at the steps asked for, scaled to unit variance of signal and noise together.
        seconds: Time that sampling took, loading not included.
        calls: Times that the network was called, each with up to a batch of samples.
    """

    x0: "Tensor"
    cond: Any
    frames: tuple["Tensor", ...]
    seconds: float
    calls: int


def request_form(ref: DomainRef, taken: Sequence[str], defaults: Mapping[str, Any] | None = None) -> Form:
    """The flags of a domain's sampling request, found without torch if the plugin says where."""
    model: type[BaseModel] = resolve(ref.request) if ref.request else resolve(ref.target).request

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


def generate(
    model: "Model[Any]", request: SampleRequest, *, title: str, quiet: bool, frames: Collection[int] = ()
) -> Generation:
    """Draws the samples of a request.

    Args:
        frames: Numbers of the steps to keep as frames.

    Raises:
        UserError: If the samples are not finite.
    """
    import torch

    cond = model.domain.condition(request)
    batches = -(-request.count // request.batch)
    ends: list[Tensor] = []
    films: list[list[Tensor]] = []
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    hook = model.network.register_forward_pre_hook(count)
    started = time.perf_counter()
    try:
        with bar(title, batches * request.updates, quiet=quiet) as advance:
            for run in model.runs(request):
                film: list[Tensor] = []
                for step in run:
                    if step.index in frames:
                        film.append((step.x / step.level.norm.to(step.x)).cpu())
                    end = step.x
                    advance("")
                ends.append(end.cpu())
                films.append(film)
    finally:
        hook.remove()
    seconds = time.perf_counter() - started
    x0 = torch.cat(ends)
    if not bool(torch.isfinite(x0).all()):
        raise UserError("the samples are not finite: lower the guidance, or take more steps")
    pictures = tuple(torch.cat(parts) for parts in zip(*films, strict=True))
    return Generation(x0, cond, pictures, seconds, calls)
