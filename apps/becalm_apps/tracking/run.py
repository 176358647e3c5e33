"""One run of MLflow, brought up to date with what a training has left on disk. Whatever failed can be tried again."""

import getpass
import io
import re
import time
from collections import deque
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from becalm.errors import UserError
from becalm_apps.cli import config_file
from becalm_apps.tracking import database
from becalm_apps.tracking.code import commit
from becalm_apps.tracking.machine import Machine
from becalm_apps.tracking.manifest import RunManifest, flatten, read_header
from becalm_apps.tracking.points import Point, Tail
from becalm_apps.tracking.registry.register import register
from becalm_apps.tracking.uri import database_file

_AT_ONCE = 100
"""Points per request; MLflow takes 1000 metrics or 100 parameters."""
_LONGEST = 6000
_KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Has MLflow's page open on figures of trainings, not on conversations."""
_SECTIONS = ("settings", "schedule", "objective", "training")


class Superseded(Exception):  # noqa: N818 (no error)
    """The training was begun anew or resumed, and another recorder goes on with it."""


class RunWriter:
    """Writes what there is of one training into its run.

    Args:
        uri: Address of the store, password and all.
        out: The checkpoint; the log stands beside it.
        keep: Where the manifest is kept, if it is.
    """

    def __init__(
        self, uri: str, out: Path, manifest: RunManifest, *, keep: Path | None = None, machine: Machine | None = None
    ) -> None:
        self._uri, self._out, self.manifest, self._manifest_path, self._machine = uri, out, manifest, keep, machine
        database.make(uri)
        self._client = MlflowClient(uri, uri)
        self._id: str | None = None
        self.registered: tuple[str, str] | None = None
        self._waiting: deque[Point] = deque()
        self._tail = Tail(out.with_suffix(".jsonl"), manifest.config["training"]["steps"], manifest.logged)

    def sync(self, *, picture: tuple[int, bytes] | None = None, end: bool = False) -> None:
        """Logs what has come since.

        Raises:
            MlflowException: If the store cannot take it; what was not taken is kept.
        """
        run_id = self._open()
        self._waiting.extend(self._tail.read(end=end))
        while self._waiting:
            batch = list(islice(self._waiting, _AT_ONCE))
            metrics = [metric for point in batch for metric in self._metrics(point)]
            far = {"becalm.step": str(batch[-1].step), "becalm.seconds": str(batch[-1].seconds)}
            self._client.log_batch(run_id, metrics, tags=[RunTag(name, value) for name, value in far.items()])
            for _ in batch:
                self._waiting.popleft()
            self._update_manifest(logged=batch[-1].step)
        figures = self._machine.look(at_once=end) if self._machine is not None else {}
        if figures:
            now = round(time.time() * 1000)
            metrics = [Metric(name, value, now, self._tail.step) for name, value in figures.items()]
            self._client.log_batch(run_id, metrics)
        if picture is not None:
            self._picture(run_id, *picture)

    def close(self, status: str) -> str:
        """Logs and registers the checkpoint, unless the training failed, and ends the run; returns the run's id.

        Raises:
            MlflowException: If the store cannot take it.
        """
        run_id = self._open()
        if self._out.exists():
            header = read_header(self._out)
            tags = {"becalm.step": header["config"].get("step", 0), "becalm.digest": header["digest"]}
            self._client.log_batch(run_id, tags=[RunTag(name, str(value)) for name, value in tags.items()])
            if status != "FAILED" and self.registered is None:
                self.registered = register(self._uri, self._out, self.manifest, run_id)
        self._client.set_terminated(run_id, status, self._time(self._tail.seconds))
        self._update_manifest(status=status)
        return run_id

    def _open(self) -> str:
        """The run's id; the run is made, or taken up again, when this is first asked."""
        if self._id is not None:
            return self._id
        config = self.manifest.config
        existing = _existing(self._client, self.manifest.run_id)
        if existing is None:
            self._tail.after = 0
            experiment = _experiment(self._client, config["domain"], self._uri)
            run = self._client.create_run(experiment, self._time(0.0), _tags(self.manifest, self._out), self._out.stem)
            # At once, so that a resumed training finds it.
            self._update_manifest(run_id=run.info.run_id, logged=0)
            known: dict[str, str] = {}
            run_id = str(run.info.run_id)
        else:
            run_id, known = str(existing.info.run_id), dict(existing.data.params)
            self.check()  # Asking may have taken long, and another recorder may have ended the run meanwhile.
            self._client.update_run(run_id, status="RUNNING")
        self._settings(run_id, config, known)
        self._id = run_id
        return run_id

    def _settings(self, run_id: str, config: dict[str, Any], known: dict[str, str]) -> None:
        """Logs the settings; MLflow keeps a parameter for ever, so what a resumed training changed is a tag."""
        settings = {name: value[:_LONGEST] for name, value in flatten(_plan(config)).items()}
        fresh = [Param(name, value) for name, value in settings.items() if name not in known]
        for start in range(0, len(fresh), _AT_ONCE):
            self._client.log_batch(run_id, params=fresh[start : start + _AT_ONCE])
        changed = {name: value for name, value in settings.items() if name in known and known[name] != value}
        self._client.log_batch(run_id, tags=[RunTag(name, value) for name, value in changed.items()])
        self._client.log_text(run_id, config_file.toml(_plan(config)), "config.toml")

    def _picture(self, run_id: str, step: int, content: bytes) -> None:
        from PIL import Image

        with Image.open(io.BytesIO(content)) as image:
            self._client.log_image(run_id, image.convert("RGB"), key="samples", step=step)

    def _metrics(self, point: Point) -> list[Metric]:
        # The clock is that of the training, so that what is sent twice is the same and is kept once.
        stamp = self._time(point.seconds)
        return [Metric(name, value, stamp, point.step) for name, value in point.values.items()]

    def _time(self, seconds: float) -> int:
        return round((self.manifest.started + seconds) * 1000)

    def check(self) -> None:
        """Leaves the run to another recorder, if the manifest is that one's.

        Raises:
            Superseded: If so.
        """
        current = self._read_manifest()
        if current is None or current.session == self.manifest.session:
            return
        # A training resumed so soon that the first recorder had no run to tell of has another one, with every step.
        if current.training == self.manifest.training and self.manifest.run_id not in (None, current.run_id):
            self._client.delete_run(self.manifest.run_id)
        raise Superseded

    def _read_manifest(self) -> RunManifest | None:
        """The manifest as it lies there; None where there is none, since somebody took it away."""
        try:
            return None if self._manifest_path is None else RunManifest.read(self._manifest_path)
        except UserError:
            return None

    def _update_manifest(self, **changes: Any) -> None:
        self.manifest = self.manifest.model_copy(update=changes)
        self.check()
        if self._manifest_path is not None:
            self.manifest.write(self._manifest_path)


def _existing(client: MlflowClient, run_id: str | None) -> Any:
    """The run of that id; None if there is none, or none any more."""
    if run_id is None:
        return None
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return run if run.info.lifecycle_stage == "active" else None


def _experiment(client: MlflowClient, name: str, uri: str) -> str:
    """The experiment of a domain. Files of a SQLite store lie beside it, those of a server where it says."""
    existing = client.get_experiment_by_name(name)
    if existing is not None:
        return str(existing.experiment_id)
    file = database_file(uri)
    place = (file.parent / "mlruns" / re.sub(r"[^\w.-]", "-", name)).as_uri() if file is not None else None
    try:
        return str(client.create_experiment(name, artifact_location=place, tags=_KIND))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # Another training was quicker.
            raise
        return str(client.get_experiment_by_name(name).experiment_id)


def _plan(config: dict[str, Any]) -> dict[str, Any]:
    """The settings as a config file holds them."""
    return {"domain": config["domain"], **{name: config[name] for name in _SECTIONS if name in config}}


def _tags(manifest: RunManifest, out: Path) -> dict[str, str]:
    tags = {
        "mlflow.source.name": manifest.command,
        "mlflow.source.type": "LOCAL",
        "becalm.checkpoint": str(out),
    }
    with suppress(OSError, KeyError):  # As in a container without users.
        tags["mlflow.user"] = getpass.getuser()
    commits: list[str] = []
    for name, (version, folder) in manifest.code.items():
        revision = commit(Path(folder)) if folder else None
        tags[f"code.{name}"] = f"{version} {revision}" if revision is not None else version
        commits += [revision] if revision is not None else []
    if commits:
        tags["mlflow.source.git.commit"] = commits[-1].removesuffix("-dirty")
    return tags
