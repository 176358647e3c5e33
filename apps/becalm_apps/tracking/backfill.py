"""A training tracked afterwards, from its checkpoint and its log."""

import time
from contextlib import nullcontext
from pathlib import Path

from becalm.errors import UserError
from becalm.files.lock import hold
from becalm.plugin.find import pretrained
from becalm.train.budget import used
from becalm_apps.tracking.code import distributions
from becalm_apps.tracking.manifest import RunManifest, manifest_path, read_header
from becalm_apps.tracking.run import RunWriter
from becalm_apps.tracking.uri import redact


def add(uri: str, name: str) -> tuple[str, str, str]:
    """Adds a training to a store, or what is missing of one that is there, and registers its checkpoint.

    Args:
        name: A checkpoint's file, or the name of one that a plugin brings.

    Returns:
        The run's id, the model's registered name and its version.

    Raises:
        UserError: If there is no such checkpoint, or it is none of a training.
        MlflowException: If the store does not take it.
    """
    own = Path(name).suffix == ".safetensors"
    out = Path(name) if own else pretrained(name)[1]
    with hold(out, "checkpoint") if own and out.exists() else nullcontext():
        return _add(uri, name, out, own=own)


def _add(uri: str, name: str, out: Path, *, own: bool) -> tuple[str, str, str]:
    config = read_header(out)["config"]
    if "training" not in config or "step" not in config:
        raise UserError(f"{name} is no checkpoint of a training")
    # Only beside a checkpoint of the user's own there is a place for a manifest.
    place = manifest_path(out) if own else None
    manifest = RunManifest(uri=redact(uri), config=config, code=distributions(config["domain"]), started=_begun(out))
    if place is not None:
        before = RunManifest.read(place) if place.exists() else manifest
        if before.uri == manifest.uri:
            manifest = before.model_copy(update={"config": config, "session": manifest.session})
        # From here on a recorder that still tries leaves the run to us.
        manifest.write(place)
    run = RunWriter(uri, out.absolute(), manifest, keep=place)
    picture = out.with_suffix(".png")
    run.sync(picture=(int(config["step"]), picture.read_bytes()) if picture.exists() else None, end=True)
    training = config["training"]
    done = used(training["steps"], training.get("minutes"), int(config["step"]), float(config.get("seconds", 0))).over
    run_id = run.close("FINISHED" if done else "KILLED")
    model, version = run.registered or ("", "")
    return run_id, model, version


def _begun(out: Path) -> float:
    """When a training began, as far as its files tell."""
    log = out.with_suffix(".jsonl")
    return (log if log.exists() else out).stat().st_mtime if out.exists() else time.time()
