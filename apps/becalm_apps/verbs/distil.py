"""``becalm distil``: a training of any domain that takes over a trained model, so that a call or two make a sample.

It is ``becalm NOUN train --from CHECKPOINT`` with the objective, and what of the teacher's the student must share.
"""

from pathlib import Path
from typing import Any

import click

from becalm.errors import UserError
from becalm_apps.cli import common
from becalm_apps.cli.lazy_group import epilog

EXAMPLES = (
    "becalm distil mnist --calls 1 --minutes 60 --out runs/mnist-1.safetensors",
    "becalm distil pusht --calls 1 --steps 12000 --out runs/pusht-1.safetensors",
)
# Two networks that follow each other: gradients that remember make them overshoot (Kingma and Ba's beta1).
_TWO = (
    "--optimizer adamw --beta1 0 --rate 2e-4 --weight-decay 0 --ema 0.998 --warmup 50 --decay cooldown --cooldown 0.3 "
    "--turns 5"
)
RECIPES = {"distribution_matching": _TWO, "score_identity": _TWO}
"""Flags of a training that an objective is best begun with."""
_OBJECTIVES = (*RECIPES, "consistency_distillation", "consistency", "progressive")
_STILL = "--temperature 0 --substeps 8 --rate 3e-4"
"""The same for progressive distillation of a teacher of temperature 0, where each condition has one path."""
_DROP = 0.1
"""Share of samples without condition that a student needs at most: what guides its teacher it has in its weights."""
_BATCH = 64
"""Samples in a batch on a CPU at most, where three networks see each: more steps are worth more than larger ones."""
_HELP = """Distils a model, so that one or a few calls of its network make a sample.

CHECKPOINT, a pretrained name, a .safetensors file or hf:owner/name, is the teacher and where the student begins. Data
are those of the domain's training. Flags of "becalm NOUN train", such as --data or --batch, follow after --.
"""


@click.command(
    "distil",
    help=_HELP,
    short_help="Distil a model into one of few calls.",
    epilog=epilog(EXAMPLES),
    params=[
        click.Argument(["checkpoint"]),
        common.whole("--calls", "Calls for a sample, where a request says nothing.", default=1, low=1),
        click.Option(
            ["--objective"],
            type=click.Choice(_OBJECTIVES),
            metavar="KIND",
            help=f"How, one of {', '.join(_OBJECTIVES)}: by matching what is made with the data, in two ways, by the "
            "teacher's paths, by the data alone, or by fewer steps of the teacher. Default: distribution_matching, and "
            "progressive where the teacher is sampled at temperature 0.",
        ),
        click.Option(
            ["--student"], metavar="NAME|FILE", help="Where the student begins; default: with the teacher's weights."
        ),
        common.file("--out", "Checkpoint; log, picture and resume state stand beside it.", required=True),
        common.whole("--steps", "Training steps; default: the domain's.", low=1),
        click.Option(["--minutes"], type=float, metavar="FLOAT", help="Train for so long, instead of so many steps."),
        click.Option(["--resume"], is_flag=True, help="Go on with the training of --out."),
        common.device(),
        common.quiet("Nothing but results and errors."),
        common.as_json("Print the summary as JSON."),
        click.Argument(["flags"], nargs=-1, type=click.UNPROCESSED),
    ],
)
def command(checkpoint: str, calls: int, objective: str | None, out: Path, flags: tuple[str, ...], **own: Any) -> None:
    """Distils."""
    from becalm.files.checkpoint import Checkpoint
    from becalm.model import find
    from becalm.plugin.find import domain_ref, of_domain
    from becalm_apps.verbs.domain import group_of

    config = Checkpoint.read(find(checkpoint)).config
    taught = config.get("objective", {})
    if taught.get("kind", "denoising") not in ("denoising", "hybrid"):
        raise UserError(f"a teacher must be a denoiser, got one trained by objective {taught['kind']!r}")
    noun = domain_ref(str(config.get("domain"))).name
    words = ["train", "--out", str(out), "--device", own["device"]]
    for name in ("steps", "minutes", "student"):
        words += [] if own[name] is None else [f"--{name}", str(own[name])]
    words += [
        f"--{flag}" for flag, name in (("resume", "resume"), ("quiet", "quiet"), ("json", "as_json")) if own[name]
    ]
    if not own["resume"]:
        words += ["--from", checkpoint, "--calls", str(calls), *_taught(checkpoint, objective, own["device"])]
    group = group_of(noun, of_domain(noun))
    with group.make_context(noun, [*words, *flags], parent=click.get_current_context().find_root()) as context:
        group.invoke(context)


def _taught(checkpoint: str, objective: str | None, device: str) -> list[str]:
    """Flags of the objective, by how the teacher was trained and is sampled where a request says nothing."""
    from becalm.device import pick
    from becalm.model import load

    teacher = load(checkpoint, "cpu")
    request = teacher.request()
    still = request.temperature == 0
    objective = objective or ("progressive" if still else "distribution_matching")
    prediction, drop = teacher.objective.prediction, min(_DROP, teacher.objective.drop)
    words = ["--objective", objective, "--prediction", prediction, "--drop", str(drop)]
    if objective in RECIPES:
        words += RECIPES[objective].split()
        if pick(device).type == "cpu" and getattr(teacher.domain, "batch", 0) > _BATCH:
            words += ["--batch", str(_BATCH)]
        if teacher.domain.has_null and request.guidance != 1:
            words += ["--guidance", f"{request.guidance:g}", "--guidance-high", f"{request.guidance_high:g}"]
    return [*words, *_STILL.split()] if still and objective == "progressive" else words
