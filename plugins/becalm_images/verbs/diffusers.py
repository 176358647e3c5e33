"""``becalm images to-diffusers`` and ``from-diffusers``."""

from collections.abc import Iterator
from pathlib import Path

import torch

import becalm
from becalm.files import atomic, hub
from becalm.model import build
from becalm_images.interchange.pipeline_folder import FILES, pipeline, read
from becalm_images.interchange.scheduler import flags
from becalm_images.options import FromDiffusersOptions, ToDiffusersOptions


def to_diffusers(options: ToDiffusersOptions) -> Iterator[str]:
    """Writes a checkpoint as a pipeline folder, whole or not at all.

    Raises:
        UserError: If the checkpoint has no counterpart, or the folder holds something.
    """
    folder = Path(options.folder)
    theirs = pipeline(becalm.load(options.checkpoint, "cpu"), options.label)
    with atomic.filling(folder, "FOLDER") as temporary:
        for name, content in theirs.files().items():
            atomic.write_atomic(temporary / name, content)
    kind = "UNet2DModel" if theirs.exact else "becalm's own network: over there, import becalm_images.adapter first"
    yield f"{folder}: a DDPMPipeline, its network a {kind}" if theirs.exact else f"{folder}: a DDPMPipeline of {kind}"


def from_diffusers(options: FromDiffusersOptions) -> Iterator[str]:
    """Writes the network and schedule of a pipeline folder as a checkpoint.

    Raises:
        UserError: If the folder holds no such pipeline, or its network has no counterpart.
    """
    out = Path(options.out)
    atomic.check(out, (".safetensors",))
    checkpoint, scheduler = read(_folder(options.folder), null_class=options.null_class)
    model = build(checkpoint, torch.device("cpu"))
    checkpoint.write(out)
    kind = model.config["settings"]["architecture"]["kind"]
    yield f"{out}: network {kind}, schedule {model.config['schedule']['kind']}, predicts {model.objective.prediction}"
    yield f"as its own pipeline samples: becalm images sample --checkpoint {out} {flags(scheduler)}"


def _folder(name: str) -> Path:
    """The pipeline's folder; of a repository, what is needed of it is downloaded."""
    if not hub.named(name):
        return Path(name)
    index, *_ = (hub.download(name, file) for file in FILES)
    return index.parent
