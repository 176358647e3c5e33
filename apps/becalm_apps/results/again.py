"""``becalm again``: a result made once more from the record in its file, and compared with it to the bit."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from becalm.errors import UserError
from becalm.files import atomic
from becalm.provenance import Record, parse, read, stamp
from becalm_apps.cli import common
from becalm_apps.cli.document import print_document
from becalm_apps.cli.error_boundary import on_stop
from becalm_apps.cli.lazy_group import epilog
from becalm_apps.results.find import Places, checkpoint_of, inputs_of
from becalm_apps.results.replay import Means, replay

EXAMPLES = (
    "becalm again samples.png",
    "becalm again film.gif --out film-again.gif",
    "becalm again runs/samples.npz --checkpoint runs/images.safetensors",
)


@click.command(
    "again",
    short_help="Make a result once more, and compare.",
    epilog=epilog(EXAMPLES),
    params=[
        click.Argument(["file"], type=click.Path(path_type=Path)),
        common.file("--out", "Where the new one goes; by default it is only compared."),
        click.Option(["--checkpoint"], metavar="NAME|FILE", help="The model, where it is not found by its name."),
        click.Option(
            ["--from", "folders"],
            metavar="FOLDER",
            multiple=True,
            type=click.Path(path_type=Path),
            help="Where files that were read are looked for, beside FILE's folder and this one; may stand repeatedly.",
        ),
        common.device(),
        common.quiet(),
        common.as_json("Print the outcome as JSON."),
    ],
)
@on_stop("nothing was written")
def command(
    file: Path,
    out: Path | None,
    checkpoint: str | None,
    folders: tuple[Path, ...],
    device: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Makes a result once more, with the same checkpoint, settings and seed, and says whether it is the same.

    Ends with 0 if it is the same to the bit, with 1 if not. A checkpoint or an input with another content is refused.
    """
    before = read(file)
    if out is not None:
        if out.suffix != file.suffix:
            raise UserError(f"--out must end in {file.suffix} as {file} does, got {out}")
        atomic.writable(out)
    if before.timed:
        raise UserError(f"{file} depends on the clock, so it never comes out the same; becalm show prints its settings")
    places = Places(file.parent, Path(), *folders)
    weights = checkpoint_of(before, checkpoint, places)
    with tempfile.TemporaryDirectory(prefix="becalm-again-") as folder:
        inputs = inputs_of(before, places, Path(folder) / "inputs")
        means = Means(weights, inputs, before.device if device == "auto" else device)
        content = replay(before, file.name, Path(folder) / "made", means, quiet=quiet)
    outcome = compare(file, content, before)
    if out is not None:
        atomic.write_atomic(out, outcome.content)
    if as_json:
        digests = {"before": outcome.before, "now": outcome.now}
        place = None if out is None else str(out)
        print_document({"file": str(file), "same": outcome.same, **digests, "out": place})
    elif not quiet:
        click.echo(f"{file}: {outcome.text}" + ("" if out is None else f"; written to {out}"))
    if not outcome.same:
        raise click.exceptions.Exit(1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A result and the one made anew.

    Attributes:
        content: What was made anew.
        before, now: Their SHA-256, in hex.
        same: Whether they are the same, but perhaps for the versions in their records.
        text: That in a sentence.
    """

    content: bytes
    before: str
    now: str
    same: bool
    text: str


def compare(file: Path, now: bytes, known: Record) -> Comparison:
    """Compares a result with the one made anew.

    Args:
        known: The record of the first.
    """
    before = file.read_bytes()
    same = stamp(now, file.name, known) == before
    fresh = parse(file.name, now)
    if same and fresh.versions == known.versions:
        # The checkpoint or an input may have another name now, which changes nothing.
        now, text = before, f"made again, the same to the bit (SHA-256 {_digest(before)})"
    elif same:
        then, today = _versions(known), _versions(fresh)
        text = f"made again, the same but for the versions in its record: {then} then, {today} now"
    else:
        text = f"made again, but not the same: SHA-256 {_digest(before)[:16]} then, {_digest(now)[:16]} now"
        text += f" (first by {_versions(known)} on {known.device}; another processor or torch may round otherwise)"
    return Comparison(now, _digest(before), _digest(now), same, text)


def _versions(record: Record) -> str:
    return ", ".join(f"{name} {version}" for name, version in record.versions.items())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
