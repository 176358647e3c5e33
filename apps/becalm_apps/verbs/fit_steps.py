"""``becalm fit-steps``: the few levels at which a model's sampler is nearest to a long walk, kept in a checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from becalm.errors import UserError
from becalm.files import atomic
from becalm.files.lock import hold
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.error_boundary import on_stop
from becalm_apps.cli.lazy_group import epilog

if TYPE_CHECKING:
    from becalm.model import Model
    from becalm.steps import Fit

EXAMPLES = (
    "becalm fit-steps mnist --calls 5 --out runs/mnist-5.safetensors",
    "becalm fit-steps runs/policies.safetensors --calls 8 --count 256 --out runs/policies-8.safetensors",
)
_HELP = """Fits the levels of a few sampler steps, and writes the checkpoint with these as its default.

Needs no data: samples of the model's own, in many steps, are what the few are to end at. CHECKPOINT is a pretrained
name, a .safetensors file, or hf:owner/name. The weights stay as they are.
"""


@click.command(
    "fit-steps",
    help=_HELP,
    short_help="Fit the levels of a few steps to a model.",
    epilog=epilog(EXAMPLES),
    params=[
        click.Argument(["checkpoint"]),
        common.whole("--calls", "Steps to fit, each a call of the network.", default=5, low=1),
        common.file("--out", "Checkpoint with the steps.", required=True),
        common.whole("--count", "Samples to fit on.", default=64, low=1),
        common.whole("--seed", "Of these samples.", default=1, low=0),
        common.whole("--fine", "Steps of the long walk.", default=32, low=2),
        click.Option(
            ["--minutes"], type=float, default=5.0, show_default=True, metavar="FLOAT", help="Time to fit in, at most."
        ),
        common.device(),
        common.quiet("Nothing but results and errors."),
        common.as_json("Print the times as JSON."),
    ],
)
@on_stop("nothing was written")
def command(checkpoint: str, out: Path, quiet: bool, as_json: bool, **own: Any) -> None:
    """Fits steps."""
    atomic.check(out, (".safetensors",))
    if not own["minutes"] > 0:
        raise UserError(f"--minutes must be above 0, got {own['minutes']:g}")
    with hold(out):
        if out.exists():
            raise UserError(f"{out} exists: name another --out")
        model, found = _fit(checkpoint, own)
        model.save(out)
    _say(model, found, out, quiet=quiet, as_json=as_json)


def _fit(checkpoint: str, own: dict[str, Any]) -> "tuple[Model[Any], Fit]":
    from becalm.model import load
    from becalm.steps import fit_steps

    model = load(checkpoint, own["device"])
    # Fitted anew, from the defaults of its domain.
    model = replace(model, config={name: value for name, value in model.config.items() if name != "sampling"})
    request = model.request(count=own["count"], seed=own["seed"])
    return fit_steps(model, request, own["calls"], fine=own["fine"], minutes=own["minutes"])


def _say(model: "Model[Any]", found: "Fit", out: Path, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        print_document(
            {"out": str(out), "times": list(found.times), "error": found.error, "error_before": found.before}
        )
    elif not quiet:
        times = ", ".join(f"{time:.4g}" for time in found.times)
        click.echo(f"{out}: times {times}; off the long walk by {found.error:.3g} per entry, before {found.before:.3g}")
        click.echo(f"becalm {model.domain.name} sample --checkpoint {out}")
