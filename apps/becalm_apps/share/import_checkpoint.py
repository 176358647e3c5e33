"""``becalm import``: a checkpoint that someone shares, verified and put where one's own lie."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from becalm.errors import UserError
from becalm.files import atomic, hub
from becalm.files.card import card
from becalm.gate.limit import most
from becalm.gate.regular import content as content_of
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.lazy_group import epilog
from becalm_apps.cli.show import cell
from becalm_apps.cli.table import table
from becalm_apps.share.bundle import verify
from becalm_apps.share.card_overrides import name_of

if TYPE_CHECKING:
    from becalm.model import Model

EXAMPLES = (
    "becalm import digits --out runs/digits.safetensors",
    "becalm import hf:owner/name",
    "becalm import hf:owner/name@v2 --json",
)
_HELP = """Takes a checkpoint over: verifies it, copies it, and prints its card.

SOURCE is a folder that becalm export wrote, a .safetensors file, or hf:owner/name[@revision]. Nothing in it is run.
"""


@click.command(
    "import",
    help=_HELP,
    short_help="Take over a checkpoint that someone shares.",
    epilog=epilog(EXAMPLES),
    params=[
        common.quiet(),
        common.as_json("Print the card as JSON."),
        common.file("--out", "Where it goes.  [default: runs/NAME.safetensors]"),
    ],
)
@click.argument("source")
def command(source: str, out: Path | None, quiet: bool, as_json: bool) -> None:
    """Takes a checkpoint over."""
    target = out or Path("runs") / f"{name_of(source)}.safetensors"
    atomic.check(target, (".safetensors",))
    model = _copy(_locate(source), target)
    facts = card(model.config)
    if as_json:
        summary = {"out": str(target), "domain": model.domain.name, "checkpoint": model.digest}
        print_document({**summary, "card": facts.model_dump(mode="json", exclude_defaults=True)})
        return
    if quiet:
        return
    click.echo(f"{target}: a model of {model.domain.name}, digest {model.digest[:8]}")
    rows = [("title", facts.title), ("licence", facts.licence or "not stated"), ("data", facts.data or "not stated")]
    rows += [(name, cell(value)) for name, value in facts.figures.items()]
    click.echo(table(("card", ""), [(name, str(value)) for name, value in rows if value is not None]), nl=False)
    click.echo(f"becalm {model.domain.name} sample --checkpoint {target}")


def _locate(source: str) -> Path:
    """The checkpoint's file."""
    if hub.named(source):
        return hub.download(source)
    path = Path(source)
    return verify(path) if path.is_dir() else path


def _copy(path: Path, target: Path) -> "Model[Any]":
    """Copies a checkpoint, and builds its model from the copy: what is there then is known to be good."""
    import torch

    from becalm.files.checkpoint import Checkpoint
    from becalm.model import build

    content = content_of(path, "checkpoint", most=most())
    if target.exists() and content_of(target, most=most()) != content:
        raise UserError(f"{target} exists and is another checkpoint: name a place by --out")
    with atomic.replacing(target) as temporary:
        temporary.write_bytes(content)
        try:
            return build(Checkpoint.read(temporary), torch.device("cpu"))
        except UserError as error:
            # The sentence names the file that the user knows.
            raise UserError(str(error).replace(str(temporary), str(path))) from error
