"""``becalm programs label``: good and different solutions of a folder of programs, for training.

Programs are labelled by processes of this machine or by the workers of a Dask cluster, which need no share of the disk:
the model travels as bytes, the labels come back, and one process writes them, each file whole or not at all. What has
labels is skipped, so a run that was stopped goes on.
"""

import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from becalm.errors import UserError
from becalm.plugin.report import Progress, Report, Table
from becalm_programs.formats.read import SUFFIXES, need, read
from becalm_programs.options import LabelOptions
from becalm_programs.problem.verify import verify
from becalm_programs.search.large.lns import Limit
from becalm_programs.search.large.pool import gather
from becalm_programs.training.labels import Labels, distance, load, place, write
from becalm_programs.training.workforce import Workforce, hire


@dataclass(frozen=True, slots=True)
class Task:
    """A program to label.

    Attributes:
        name: File name.
        content: The file.
        seconds: Limit of the search; unused if there are steps.
    """

    name: str
    content: bytes
    seconds: float
    steps: int | None
    solutions: int
    gap: float
    seed: int
    solver: str | None


def run(options: LabelOptions) -> Iterator[Report]:
    """Labels what is not labelled yet.

    Raises:
        UserError: If the folder holds no program, the cluster cannot be reached, or a worker dies.
    """
    need("highspy", "labelling")
    folder = Path(options.folder)
    if not folder.is_dir():
        raise UserError(f"folder must be a folder of model files, got {folder}")
    models = [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(SUFFIXES) and path.is_file()]
    if not models:
        raise UserError(f"{folder} holds no model file: none ends in {', '.join(SUFFIXES)}")
    _distinct(models)
    left = [path for path in models if options.again or not _labelled(place(path))]
    there = len(models) - len(left)
    made: list[Labels] = []
    failed = 0
    yield Progress(there, len(models), "starting")
    with hire(options.workers if options.cluster is None else None, options.cluster, len(left)) as workforce:
        for outcome in _work(workforce, left, options):
            text = f"{min(workforce.size, len(left))} at a time"
            if outcome is not None:
                path, labels = outcome
                text = path.name
                if isinstance(labels, str):
                    failed += 1
                    yield f"{path.name}: {labels}"
                else:
                    write(place(path), labels, options)
                    made.append(labels)
            yield Progress(there + len(made) + failed, len(models), text)
    if made:
        yield _table(made)
    yield f"{folder}: {len(made)} labelled, {there} had labels already, {failed} without"


def label(task: Task) -> Labels | str:
    """Labels of one program, or the sentence that says why there are none. This is what a worker does."""
    begun = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory(prefix="becalm-label-") as folder:
            path = Path(folder, task.name)
            path.write_bytes(task.content)
            program = read(path)
    except UserError as error:
        return str(error)
    # Its own randomness for each program, whichever worker takes it and when.
    generator = np.random.default_rng([task.seed, zlib.crc32(task.name.encode())])
    limit = Limit(seconds=task.seconds) if task.steps is None else Limit(steps=task.steps)
    x, objective = gather(program, task.solutions, limit=limit, generator=generator, gap=task.gap, solver=task.solver)
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


def _work(
    workforce: Workforce, models: list[Path], options: LabelOptions
) -> Iterator[tuple[Path, Labels | str] | None]:
    """Outcomes as they come, and None now and then, so that the caller stays in charge."""
    waiting = list(reversed(models))
    running: dict[Future[Labels | str], Path] = {}
    while waiting or running:
        # A few ahead, so that no worker waits and no more models are held than need be.
        while waiting and len(running) < 2 * workforce.size:
            path = waiting.pop()
            running[workforce.submit(label, _task(path, options))] = path
        done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
        if not done:
            yield None
        for future in done:
            yield running.pop(future), _outcome(future)


def _task(path: Path, options: LabelOptions) -> Task:
    return Task(
        name=path.name,
        content=path.read_bytes(),
        seconds=options.seconds,
        steps=options.steps,
        solutions=options.solutions,
        gap=options.gap,
        seed=options.seed,
        solver=options.solver,
    )


def _outcome(future: Future[Labels | str]) -> Labels | str:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise UserError("a worker died, perhaps for want of memory; what is labelled stays, run it again") from error


def _table(made: list[Labels]) -> Table:
    rows = []
    for name, values in (
        ("solutions", [len(labels.x) for labels in made]),
        ("best objective", [float(labels.objective[0]) for labels in made]),
        ("mean distance", [distance(labels.x) for labels in made]),
        ("seconds", [labels.seconds for labels in made]),
    ):
        rows.append((name, round(min(values), 2), round(float(np.mean(values)), 2), round(max(values), 2)))
    return Table(("figure", "least", "mean", "most"), tuple(rows), title=f"{len(made)} programs")
