"""``becalm NOUN evaluate``: the domain's figures of a model's samples, or what it says of held-out data."""

from functools import partial
from pathlib import Path
from typing import cast

import click

from becalm.errors import UserError
from becalm.files import atomic
from becalm.plugin.hooks import DomainRef
from becalm.provenance import record, write
from becalm.request import SampleRequest
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.error_boundary import on_stop
from becalm_apps.cli.show import show
from becalm_apps.cli.table import table
from becalm_apps.cli.verb import Call, Verb
from becalm_apps.verbs import figure
from becalm_apps.verbs.generate import generate, open_model, options, request_form
from becalm_apps.verbs.sample import content

SUMMARY = "Judge a model by its samples."
_COUNT = 1000
_SUFFIXES = (".png", ".npz")


def verb(ref: DomainRef) -> Verb:
    """The command."""
    form, run = partial(request_form, ref, defaults={"count": _COUNT}, target=ref.judged), partial(_run, ref)
    examples = [
        *([f"becalm {ref.name} evaluate --count 200 --steps 10"] if ref.default else []),
        f"becalm {ref.name} evaluate --checkpoint runs/{ref.name}.safetensors --json",
    ]
    own = [common.file("--out", "Keep the samples: .png a picture, .npz the arrays."), *options(ref)]
    return Verb("evaluate", SUMMARY, form=form, own=own, run=run, examples=examples)


@on_stop("nothing was written")
def _run(ref: DomainRef, call: Call) -> None:
    out: Path | None = call.own["out"]
    if out is not None:
        atomic.check(out, _SUFFIXES)
    model = open_model(ref, call.own["checkpoint"], call.own["device"])
    request = model.with_defaults(cast(SampleRequest, call.settings))
    reports = model.domain.assess(model, request)
    if reports is not None:
        if out is not None:
            raise UserError(f"--out keeps samples, and none are drawn here: leave out --out {out}")
        show(reports, "evaluating", json=call.own["as_json"], quiet=call.own["quiet"])
        return
    domain = model.domain.judged(request)
    drawn, _ = generate(model, request, title="sampling", quiet=call.own["quiet"])
    if out is not None:
        # The file is what sample writes, so it says how sample makes it.
        write(out, content(model, drawn, (), out.suffix), record(f"{ref.name} sample", request, model=model))
    metrics = {name: float(value) for name, value in domain.metrics(drawn.data, drawn.cond).items()}
    each = drawn.seconds / request.count
    if call.own["as_json"]:
        costs = {
            "count": request.count,
            "seconds_per_sample": each,
            "network_calls": drawn.calls,
            "checkpoint": model.digest,
        }
        print_document({"metrics": metrics, **costs, **({"out": str(out)} if out is not None else {})})
        return
    heads, rows = figure.table(metrics, domain.metric_label)
    click.echo(table(heads, rows), nl=False)
    remark = domain.remark(metrics, request.count)
    if remark:
        click.echo(remark)
    costs_shown = [
        ("samples", str(request.count)),
        ("seconds per sample", f"{each:.3g}"),
        ("network calls", str(drawn.calls)),
        ("checkpoint", f"{call.own['checkpoint'] or ref.default} {model.digest[:8]}"),
    ]
    click.echo(table(("cost", "value"), costs_shown), nl=False)
