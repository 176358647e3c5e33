"""``becalm programs label``: good and different solutions of a folder of programs, for training.

Programs are labelled by processes of this machine or by the workers of a Dask cluster, which need no share of the disk:
the model travels as bytes, the labels come back, and one process writes them, each file whole or not at all. What has
labels is skipped, so a run that was stopped goes on.
"""

import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from becalm.errors import UserError
from becalm.files.lock import hold
from becalm.plugin.report import Progress, Report, Table, counted
from becalm_programs.formats.read import model_files, need, read
from becalm_programs.options import LabelOptions
from becalm_programs.problem.verify import verify
from becalm_programs.sampling.outcome import hamming
from becalm_programs.search.large.lns import Limit
from becalm_programs.search.large.pool import gather
from becalm_programs.training.labels import Labels, load, place, write
from becalm_programs.training.workforce import hire


@dataclass(frozen=True, slots=True)
class Task:
    """A program to label.

    Attributes:
        path: Of the model file, where it is at home. content: Of the file.
    """

    path: Path
    content: bytes
    options: LabelOptions


def run(options: LabelOptions) -> Iterator[Report]:
    """Labels what is not labelled yet.

    Raises:
        UserError: If the folder holds no program, the cluster cannot be reached, or a worker dies.
    """
    need("highspy", "labelling")
    with hold(Path(options.folder), "folder"):
        yield from _label_all(Path(options.folder), options)


def _label_all(folder: Path, options: LabelOptions) -> Iterator[Report]:
    models = model_files(folder, "folder")
    _distinct(models)
    left = [path for path in models if options.again or not _labelled(place(path))]
    there = len(models) - len(left)
    pools: list[Labels] = []
    failed = 0
    yield Progress(there, len(models), "starting")
    with hire(options.workers if options.cluster is None else None, options.cluster, len(left)) as workforce:
        for finished in workforce.map(label, (Task(path, path.read_bytes(), options) for path in left), "labelled"):
            text = f"{min(workforce.size, len(left))} at a time"
            if finished is not None:
                task, labels = finished
                text = task.path.name
                if isinstance(labels, str):
                    failed += 1
                    yield f"{text}: {labels}"
                else:
                    write(place(task.path), labels, options)
                    pools.append(labels)
            yield Progress(there + len(pools) + failed, len(models), text)
    if pools:
        yield _table(pools)
    yield f"{folder}: {len(pools)} labelled, {there} had labels already, {failed} without"


def label(task: Task) -> Labels | str:
    """Labels of one program, or the sentence that says why there are none. This is what a worker does."""
    begun = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory(prefix="becalm-label-") as folder:
            path = Path(folder, task.path.name)
            path.write_bytes(task.content)
            program = read(path)
    except UserError as error:
        return str(error)
    options = task.options
    # Its own randomness for each program, whichever worker takes it and when.
    generator = np.random.default_rng([options.seed, zlib.crc32(task.path.name.encode())])
    limit = Limit(seconds=options.seconds) if options.steps is None else Limit(steps=options.steps)
    x, objective = gather(
        program, options.solutions, limit=limit, generator=generator, gap=options.gap, solver=options.solver
    )
    seconds = time.perf_counter() - begun
    if not len(x):
        return f"no feasible solution was found in {seconds:.1f} seconds"
    verdict = verify(program, x)
    if not verdict.feasible.all():
        raise RuntimeError("a solution of the pool does not verify")
    return Labels(x, objective, verdict.max_violation, program.names, seconds)


def _distinct(models: list[Path]) -> None:
    seen: dict[Path, Path] = {}
    for path in models:
        if place(path) in seen:
            raise UserError(f"{path.name} and {seen[place(path)].name} would share the labels {place(path).name}")
        seen[place(path)] = path


def _labelled(path: Path) -> bool:
    """Whether there are labels; what cannot be read is made anew."""
    if not path.exists():
        return False
    try:
        load(path)
    except UserError:
        return False
    return True


def _table(pools: list[Labels]) -> Table:
    rows = []
    for name, values in (
        ("solutions", [len(labels.x) for labels in pools]),
        ("best objective", [float(labels.objective[0]) for labels in pools]),
        ("mean distance", [hamming(labels.x) or 0.0 for labels in pools]),
        ("seconds", [labels.seconds for labels in pools]),
    ):
        rows.append((name, round(min(values), 2), round(float(np.mean(values)), 2), round(max(values), 2)))
    return Table(("figure", "least", "mean", "most"), tuple(rows), title=counted(len(pools), "program"))
