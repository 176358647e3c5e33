"""The runs of a store, as ``becalm runs`` shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from becalm.errors import UserError, unknown

_STATES = {"RUNNING": "running", "FINISHED": "finished", "KILLED": "stopped", "FAILED": "failed"}
_MANY = 1000


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """A run.

    Attributes:
        id: MLflow's, 32 characters.
        step: Steps done.
        seconds: Trained in all.
        started: Unix time in seconds.
        model: Registered name and version of its last checkpoint, as in ``images-mine/2``.
        settings: By dotted name, with what resumed sessions changed.
        metrics: Their last values, but those of the machine.
        code: Versions and commits by distribution.
    """

    id: str
    name: str
    domain: str
    state: str
    step: int
    seconds: float
    started: float
    model: str | None
    checkpoint: str
    settings: dict[str, str]
    metrics: dict[str, float]
    code: dict[str, str]


def list_runs(uri: str, count: int = _MANY, domain: str | None = None) -> list[TrackedRun]:
    """The runs of trainings in a store, the newest first.

    Args:
        domain: Only its runs.

    Raises:
        MlflowException: If the store cannot be read.
    """
    client = MlflowClient(uri, uri)
    experiments = {str(experiment.experiment_id): str(experiment.name) for experiment in client.search_experiments()}
    chosen = [number for number, name in experiments.items() if domain in (None, name)]
    runs = client.search_runs(chosen, "tags.becalm.checkpoint != ''", max_results=count) if chosen else []
    versions: dict[str, Any] = {}
    for version in client.search_model_versions(max_results=_MANY):
        known = versions.get(version.run_id)
        if known is None or int(version.version) > int(known.version):
            versions[version.run_id] = version
    return [_of(run, experiments[run.info.experiment_id], versions.get(run.info.run_id)) for run in runs]


def find_run(runs: Sequence[TrackedRun], word: str) -> TrackedRun:
    """The run of that name, the newest of several, or whose id begins so.

    Raises:
        UserError: If there is none.
    """
    named = [run for run in runs if run.name == word]
    begun = [run for run in runs if len(word) >= 4 and run.id.startswith(word)]
    if named:
        return named[0]
    if len(begun) > 1:
        raise UserError(f"the ids of {len(begun)} runs begin with {word!r}: give more of it")
    if not begun:
        raise unknown("run", word, {run.name for run in runs})
    return begun[0]


def _of(run: Run, domain: str, version: Any) -> TrackedRun:
    tags, params = dict(run.data.tags), dict(run.data.params)
    return TrackedRun(
        id=run.info.run_id,
        name=run.info.run_name,
        domain=domain,
        state=_STATES.get(run.info.status, str(run.info.status).lower()),
        step=int(tags.get("becalm.step", 0)),
        seconds=float(tags.get("becalm.seconds", 0)),
        started=run.info.start_time / 1000,
        model=f"{version.name}/{version.version}" if version is not None else None,
        checkpoint=tags.get("becalm.checkpoint", ""),
        settings={name: str(tags.get(name, value)) for name, value in params.items()},
        metrics={name: value for name, value in run.data.metrics.items() if not name.startswith("system/")},
        code={name.removeprefix("code."): value for name, value in tags.items() if name.startswith("code.")},
    )
