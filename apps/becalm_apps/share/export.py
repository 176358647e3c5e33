"""``becalm export``: a checkpoint with its card, as a folder or as one file."""

from pathlib import Path

import click

from becalm.files import atomic
from becalm.files.hub import MODEL
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.share.bundle import Bundle, assemble
from becalm_apps.share.card_overrides import CardOverrides, card_command

EXAMPLES = (
    "becalm export mnist --out digits",
    "becalm export mnist --evaluate 500 --licence MIT --out digits.safetensors",
    "becalm export runs/images.safetensors --licence CC-BY-4.0 --data 'our own scans' --out scans",
)
_HELP = """Writes a checkpoint for others: weights, and a card of data, seed, figures and licence.

A FOLDER gets model.safetensors, README.md with a picture, and SHA256SUMS; a FILE.safetensors has the card in its
header. CHECKPOINT is a pretrained name, a .safetensors file, or hf:owner/name.
"""


def _run(checkpoint: str, out: Path, quiet: bool, as_json: bool, overrides: CardOverrides) -> None:
    names: list[str] = []
    if out.suffix == ".safetensors":
        atomic.check(out, (".safetensors",))
        bundle = assemble(checkpoint, overrides)
        bundle.checkpoint.write(out)
    else:
        # Empty and writable, before minutes go into figures.
        with atomic.filling(out) as folder:
            bundle = assemble(checkpoint, overrides)
            names = bundle.fill(folder, MODEL)
    _say(bundle, out, names, quiet=quiet, as_json=as_json)


def _say(bundle: Bundle, out: Path, names: list[str], *, quiet: bool, as_json: bool) -> None:
    digest = bundle.checkpoint.digest
    if as_json:
        card = bundle.card.model_dump(mode="json", exclude_defaults=True)
        print_document({"out": str(out), "files": names, "checkpoint": digest, "card": card})
    elif not quiet:
        click.echo(f"{out}: {', '.join(names) or 'one file'}, digest {digest[:8]}")
    if quiet:
        return
    for key in bundle.shortened:
        click.echo(f"becalm: {key} was a path of this machine; only its last part is in what was written", err=True)
    if bundle.card.licence is None:
        click.echo("becalm: the card names no licence, so nobody may use the model: name one by --licence", err=True)


command = card_command(
    "export",
    _run,
    text=_HELP,
    summary="Write a checkpoint with its card for others.",
    examples=EXAMPLES,
    params=[
        click.Argument(["checkpoint"]),
        common.file("--out", "Where it goes.", metavar="FOLDER|FILE", required=True),
    ],
)
