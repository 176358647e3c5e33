"""``becalm distil``: a training of any domain that takes over a trained model, so that a call or two make a sample.

It is ``becalm NOUN train --from CHECKPOINT`` with the objective, and what of the teacher's the student must share.
"""

from pathlib import Path

import click

from becalm.errors import UserError
from becalm_apps.cli import common
from becalm_apps.cli.lazy_group import epilog

EXAMPLES = (
    "becalm distil mnist --calls 2 --minutes 60 --out runs/mnist-2.safetensors",
    "becalm distil pusht --calls 1 --minutes 60 --out runs/pusht-1.safetensors",
    "becalm distil mnist --calls 2 --out runs/mnist-2.safetensors --objective consistency --rate 3e-4",
)
_HELP = """Distils a model, so that one or a few calls of its network make a sample.

CHECKPOINT, a pretrained name, a .safetensors file or hf:owner/name, is the teacher and where the student begins. Data
are those of the domain's training. Any other flag is one of "becalm NOUN train", such as --data, --batch or --resume.
"""


@click.command(
    "distil",
    help=_HELP,
    short_help="Distil a model into one of few calls.",
    epilog=epilog(EXAMPLES),
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True},
    params=[
        click.Argument(["checkpoint"]),
        common.whole("--calls", "Calls for a sample, where a request says nothing.", default=2, low=1),
        click.Option(
            ["--objective"],
            type=click.Choice(["consistency_distillation", "consistency", "progressive"]),
            default="consistency_distillation",
            show_default=True,
            help="How: by the teacher's paths, by the data alone, or by halving the teacher's steps.",
        ),
        common.file("--out", "Checkpoint; log, picture and resume state stand beside it.", required=True),
        click.Argument(["flags"], nargs=-1, type=click.UNPROCESSED),
    ],
)
def command(checkpoint: str, calls: int, objective: str, out: Path, flags: tuple[str, ...]) -> None:
    """Distils."""
    from becalm.files.checkpoint import Checkpoint
    from becalm.model import find
    from becalm_apps.main import run

    config = Checkpoint.read(find(checkpoint)).config
    taught = config.get("objective", {})
    if taught.get("kind", "denoising") not in ("denoising", "hybrid"):
        raise UserError(f"a teacher must be a denoiser, got one trained by objective {taught['kind']!r}")
    words = [config["domain"], "train", "--out", str(out)]
    if "--resume" not in flags:
        words += ["--from", checkpoint, "--objective", objective, "--calls", str(calls)]
        words += [word for name in ("prediction", "drop") if name in taught for word in (f"--{name}", str(taught[name]))]
    run([*words, *flags])
