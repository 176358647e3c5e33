"""``becalm programs sample --seconds``: good and different solutions of one program, searched for a time."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from becalm.plugin.report import Progress, Table
from becalm.provenance import record
from becalm_programs.anytime.open import open_search
from becalm_programs.anytime.pool import Pool
from becalm_programs.anytime.search import AnytimeSearch, Moment
from becalm_programs.anytime.words import remarks
from becalm_programs.formats.read import read
from becalm_programs.formats.write import write_solutions
from becalm_programs.opening import NO_NETWORK, open_request, path_of
from becalm_programs.options import SampleOptions
from becalm_programs.problem.program import Program
from becalm_programs.views.words import title


def run(options: SampleOptions) -> Iterator[str | Progress | Table]:
    """Searches; Ctrl-C ends it with what was found so far.

    Raises:
        UserError: If the program cannot be read or sampled, there is no such network, or a file cannot be written.
    """
    yield Progress(0, 1, "reading")
    program, name = _program(options)
    search = open_search(program, options, name=name)
    yield search.instance.reason
    try:
        yield from _progress(search)
    except KeyboardInterrupt:
        yield from _end(search, options)
        raise
    yield from _end(search, options)


def _program(options: SampleOptions) -> tuple[Program, str]:
    """The program and what it is called; without a file it is one of the checkpoint's own family."""
    if options.model is None and options.checkpoint is not None:
        return open_request(options.request(), options.checkpoint, options.device).program, "the program"
    path = path_of(options)
    return read(Path(path)), path


def _progress(search: AnytimeSearch) -> Iterator[Progress]:
    """How far it has come."""
    with closing(search.run()) as moments:
        for moment in moments:
            yield Progress(min(moment.seconds, search.goal.seconds), search.goal.seconds, _words(moment))


def _words(moment: Moment) -> str:
    if moment.best is None:
        return "nothing feasible yet"
    return f"best {moment.best:.6g}, {moment.distinct} different"


def _end(search: AnytimeSearch, options: SampleOptions) -> Iterator[str | Table]:
    pool = Pool.of(search)
    yield table(pool, search.instance.network or NO_NETWORK)
    if pool.starts:
        yield starts(pool)
    yield from remarks(pool, search.goal)
    if options.out is None:
        return
    if not len(pool):
        yield f"nothing feasible was found: {options.out} is not written"
        return
    made = partial(record, "programs sample", options, model=search.instance.model, timed=True)
    write_solutions(options.out, pool.program, pool.x, made())
    yield options.out


def table(pool: Pool, network: str) -> Table:
    """The figures of a pool, one in a row."""
    objectives = pool.objectives
    best, mean, worst = (objectives[0], objectives.mean(), objectives[-1]) if len(pool) else (None, None, None)
    found = pool.moments[-1] if pool.moments else None
    first = next((moment for moment in pool.moments if moment.best is not None), None)
    settled = next((moment for moment in pool.moments if found is not None and moment.best == found.best), None)
    rows = (
        ("different solutions", len(pool)),
        ("objective, best", None if best is None else float(best)),
        ("objective, mean", None if mean is None else float(mean)),
        ("objective, worst", None if worst is None else float(worst)),
        ("variables that two differ in, mean", pool.hamming),
        ("seconds", pool.seconds),
        ("first found at", None if first is None else first.seconds),
        ("best found at", None if settled is None or first is None else settled.seconds),
        ("network", network),
    )
    return Table(("figure", "value"), rows, title=title(pool.program))


def starts(pool: Pool) -> Table:
    """What each start did and brought."""
    rows = tuple((each.start, each.seconds, each.drawn, each.feasible, each.kept, each.betters) for each in pool.starts)
    return Table(("start", "seconds", "drawn", "feasible", "new", "better best"), rows, title="starts")
