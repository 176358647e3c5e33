"""``becalm programs evaluate``: sampling against greedy, rounding and solvers, on the same unseen instances.

Everything that is finished is kept in a journal (``becalm_programs.evaluation.journal``), so a run that was stopped
goes on.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from becalm.errors import UserError
from becalm.files import atomic
from becalm.plugin.report import Progress, Report, Table, counted
from becalm.provenance import record, write
from becalm_programs.evaluation import chart, tables
from becalm_programs.evaluation.journal import Journal, References, digest
from becalm_programs.evaluation.judge import Cell
from becalm_programs.evaluation.methods import TITLES, methods, work
from becalm_programs.evaluation.task import Method, Task
from becalm_programs.families import generate
from becalm_programs.formats.read import model_files, read, stem
from becalm_programs.options import EvaluateOptions, MethodName
from becalm_programs.problem.program import Program
from becalm_programs.sampling.choose import NONE, fitting
from becalm_programs.solvers.registry import SOLVERS, find
from becalm_programs.training.workforce import hire

_SOLVER: Mapping[MethodName, str] = {"rounding": "highs", "search": "highs", **{name: name for name in SOLVERS}}
"""What a method cannot do without."""


@dataclass(slots=True, eq=False)
class _Board:
    """What is done, and where it belongs.

    Attributes:
        total: Groups of methods over all instances.
        done: Those finished.
        cells: By method, then by instance.
        place: Of each instance in the order of the run, by digest.
    """

    total: int
    done: int = 0
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)
    place: dict[str, int] = field(default_factory=dict)

    def rows(self) -> dict[str, list[Cell]]:
        """Cells by method, instances in order whoever finished first."""
        return {
            name: sorted(cells.values(), key=lambda cell: self.place[cell.digest])
            for name, cells in self.cells.items()
            if cells
        }

    def put(self, cells: list[Cell]) -> None:
        """Takes in finished cells."""
        for cell in cells:
            self.cells[cell.method][cell.digest] = cell


def run(options: EvaluateOptions) -> Iterator[Report]:
    """Makes what is not made yet, then the tables and the picture.

    Raises:
        UserError: If the folder, a checkpoint or --out does not do, or nothing is left to compare.
    """
    out = _out(options)
    journal = Journal(None if out is None else Path(f"{out}.jsonl"))
    references = References(_references(options, out))
    options, said = _available(options)
    yield from said
    places = _places(options)
    board = _Board(len(places) * len(options.methods))
    for name in _results(_tasks(options, places, journal, board), options):
        if isinstance(name, list):
            journal.add(name)
            board.put(name)
            yield from _notes(name)
            board.done += 1
            yield Progress(board.done, board.total, f"{name[0].instance}, {name[0].method}")
        elif name is None:
            yield Progress(board.done, board.total, f"{options.workers} at a time")
        else:
            yield name
    yield Progress(board.total, board.total)
    yield from _reported(options, board, references.learn(journal), out)


def _out(options: EvaluateOptions) -> Path | None:
    if options.out is None:
        return None
    out = Path(options.out)
    if options.out.endswith(("/", "\\")) or not out.name:
        raise UserError(f"--out must be the beginning of file names, such as runs/cover, got {options.out}")
    for suffix in (".jsonl", ".csv", ".png"):
        atomic.check(Path(f"{out}{suffix}"), (suffix,))
    return out


def _references(options: EvaluateOptions, out: Path | None) -> Path | None:
    if options.references is not None:
        path = Path(options.references)
        atomic.check(path, (".json",), "--references")
        return path
    return None if out is None else out.with_name("references.json")


def _available(options: EvaluateOptions) -> tuple[EvaluateOptions, list[str]]:
    """The options without what cannot be run here, and sentences that say so."""
    kept: list[MethodName] = []
    said: list[str] = []
    for name in dict.fromkeys(options.methods):
        try:
            if name in _SOLVER:
                find(_SOLVER[name]).require()
            kept.append(name)
        except UserError as error:
            said.append(f"left out: {error}")
    tiers = tuple(dict.fromkeys(options.tiers))
    if "completion" in tiers and {"network", "no-network"} & set(kept):
        try:
            find("highs").require()
        except UserError as error:
            said.append(f"tier completion is left out: {error}")
            tiers = tuple(tier for tier in tiers if tier != "completion")
    if not kept or not tiers:
        raise UserError(f"nothing is left to compare: {'; '.join(said)}")
    return options.model_copy(update={"methods": tuple(kept), "tiers": tiers}), said


def _places(options: EvaluateOptions) -> list[Path | int]:
    """Model files, or seeds."""
    if options.folder is None:
        return list(range(options.first, options.first + options.count))
    return [*model_files(Path(options.folder), "--folder")[: options.count]]


def _tasks(
    options: EvaluateOptions, places: list[Path | int], journal: Journal, board: _Board
) -> Iterator[Task | Progress | str]:
    """What is left to do, an instance after the other, each made when it is its turn; and what there is to say."""
    spoken: set[str] = set()
    for where in places:
        try:
            program = read(where) if isinstance(where, Path) else generate(options.family, options.size, where)
        except UserError as error:
            board.done += len(options.methods)
            yield str(error)
            continue
        name = stem(where) if isinstance(where, Path) else program.name
        known = digest(program)
        board.place.setdefault(known, len(board.place))
        for kind in options.methods:
            rows, sentence = _rows(options, kind, program)
            if sentence and sentence not in spoken:
                spoken.add(sentence)
                yield f"{name}: {sentence}"
            missing: list[Method] = []
            for method in rows:
                board.cells.setdefault(method.name, {})
                cell = journal.get(known, method.key)
                if cell is None:
                    missing.append(method)
                else:
                    # Called as it is called now.
                    board.put([replace(cell, method=method.name, instance=name)])
            groups = {method.checkpoint: [one for one in missing if one.checkpoint == method.checkpoint]
                      for method in missing}  # fmt: skip
            # One group is counted when it comes back; the others add to the whole.
            board.total += max(0, len(groups) - 1)
            board.done += not groups
            for group in groups.values():
                yield Progress(board.done, board.total, f"{name}, {TITLES.get(kind, kind)}")
                yield Task(name, known, program, tuple(group), options)


def _rows(options: EvaluateOptions, kind: MethodName, program: Program) -> tuple[list[Method], str]:
    """The rows of a kind for a program, and what there is to say about them."""
    if kind != "network":
        return methods(options, kind), ""
    if options.checkpoint is not None:
        named = [name for name in dict.fromkeys(options.checkpoint) if name != NONE]
        return [row for name in named for row in methods(options, kind, name)], ""
    chosen, sentence = fitting(program)
    return ([], sentence) if chosen is None else (methods(options, kind, chosen), sentence)


def _results(
    tasks: Iterator[Task | Progress | str], options: EvaluateOptions
) -> Iterator[list[Cell] | Progress | str | None]:
    """Cells as they come, and what the tasks have to say; None now and then, so that the caller stays in charge."""
    if options.workers == 1:
        for task in tasks:
            yield work(task) if isinstance(task, Task) else task
        return
    said: list[str] = []

    def without_words() -> Iterator[Task]:
        for task in tasks:
            if isinstance(task, Task):
                yield task
            elif isinstance(task, str):
                said.append(task)

    with hire(options.workers, None, options.workers) as workforce:
        for finished in workforce.map(work, without_words(), "finished"):
            yield from said
            said.clear()
            yield None if finished is None else finished[1]
    yield from said


def _notes(cells: list[Cell]) -> Iterator[str]:
    """Why a method has nothing."""
    if cells[0].best is None and cells[0].note:
        yield f"{cells[0].instance}, {cells[0].method}: {cells[0].note}"


def _reported(options: EvaluateOptions, board: _Board, best: Mapping[str, float], out: Path | None) -> Iterator[Report]:
    rows = board.rows()
    if not rows:
        raise UserError("nothing was evaluated: no instance could be read")
    title = options.folder or f"{options.family}, {options.size}"
    title = f"{title}, {counted(len(board.place), 'instance')}, {counted(options.threads, 'thread')}"
    solvers = [TITLES[kind] for kind in options.methods if kind in SOLVERS]
    score = tables.scores(rows, best, title)
    yield score
    race = tables.races(rows, solvers, best, options.seconds, title)
    if race is not None:
        yield race
    if out is not None:
        made = record("programs evaluate", options, timed=True)
        write(Path(f"{out}.csv"), _csv(score), made)
        write(Path(f"{out}.png"), chart.draw(rows, solvers, best, title).content, made)
        yield f"{out}: .jsonl, .csv, .png"


def _csv(table: Table) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([table.columns, *table.rows])
    return text.getvalue().encode()
