"""``becalm NOUN sample``: samples of a model, as a picture, as arrays, or as the film of how they came to be."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from becalm.files import atomic
from becalm.files.arrays import npz
from becalm.plugin.hooks import DomainRef
from becalm.plugin.report import counted
from becalm.provenance import record, stamp, write
from becalm.request import SampleRequest
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.error_boundary import on_stop
from becalm_apps.cli.progress import clock
from becalm_apps.cli.verb import Call, Verb
from becalm_apps.verbs import animation, output
from becalm_apps.verbs.generate import Frame, generate, open_model, options, request_form

if TYPE_CHECKING:
    from becalm.model import Drawn, Model

SUMMARY = "Draw samples from a model."
_SUFFIXES = (".png", ".npz", ".gif")


def verb(ref: DomainRef) -> Verb:
    """The command."""
    form, run = partial(request_form, ref), partial(_run, ref)
    text = ".png a picture, .npz the arrays, .gif the denoising film; - or -.npz to standard output."
    own = [common.file("--out", text, default=Path("samples.png")), *options(ref)]
    return Verb("sample", SUMMARY, form=form, own=own, run=run, examples=examples(ref))


def examples(ref: DomainRef) -> list[str]:
    """Lines for the end of the help."""
    trained = f"--checkpoint runs/{ref.name}.safetensors"
    model = "" if ref.default else f"{trained} "
    return [
        f"becalm {ref.name} sample {model}--count 16 --out samples.png",
        f"becalm {ref.name} sample {model}--steps 50 --sampler ddim --out film.gif",
        f"becalm {ref.name} sample {trained} --out samples.npz --json",
    ]


@on_stop("nothing was written")
def _run(ref: DomainRef, call: Call) -> None:
    out: Path = call.own["out"]
    piped = output.piped(out, as_json=call.own["as_json"])
    out = out.with_suffix(out.suffix or ".png") if piped else out
    atomic.check(out, _SUFFIXES)
    model = open_model(ref, call.own["checkpoint"], call.own["device"])
    request = model.with_defaults(cast(SampleRequest, call.settings))
    drawn, made = make(model, request, out.suffix, quiet=call.own["quiet"])
    how = record(f"{ref.name} sample", request, model=model)
    if piped:
        output.pour(stamp(made, out.name, how))
    else:
        write(out, made, how)
    if call.own["as_json"]:
        summary = {
            "count": request.count,
            "seconds": round(drawn.seconds, 3),
            "out": str(out),
            "checkpoint": model.digest,
        }
        print_document(summary)
    elif not call.own["quiet"]:
        asked = f"{request.sampler.name}, {counted(request.updates, 'step')}, seed {request.seed}"
        name = f"{call.own['checkpoint'] or ref.default} {model.digest[:8]}"
        place = "standard output" if piped else out
        told = f"{place}: {counted(request.count, 'sample')} in {clock(drawn.seconds)} ({asked}, {name})"
        click.echo(told, err=piped)


def make(model: "Model[Any]", request: SampleRequest, suffix: str, *, quiet: bool) -> tuple["Drawn[Any]", bytes]:
    """The samples of a request, and a file of that suffix with them."""
    frames = animation.frame_steps(request.updates) if suffix == ".gif" else ()
    drawn, films = generate(model, request, title="sampling", quiet=quiet, frames=frames)
    return drawn, content(model, drawn, films, suffix)


def content(model: "Model[Any]", drawn: "Drawn[Any]", frames: Sequence[Frame], suffix: str) -> bytes:
    """The samples as a file with that suffix holds them."""
    if suffix == ".gif":
        return animation.gif(model.domain, frames, drawn.cond)
    if suffix == ".npz":
        return npz(model.domain.arrays(drawn.data, drawn.cond))
    return output.png(model.domain.render(drawn.data, drawn.cond))
