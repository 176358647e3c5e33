"""An evaluation's two tables: what the methods' solutions are worth, and how long solvers take to the same."""

import math
from collections.abc import Mapping, Sequence

from becalm.plugin.report import Table
from becalm_programs.evaluation.judge import Cell, Race, Score, first

Rows = Mapping[str, Sequence[Cell]]
"""Cells by method, in the order of the table."""


def scores(rows: Rows, best: Mapping[str, float], title: str) -> Table:
    """The first table.

    Args:
        best: Best known objectives by digest.
    """
    lines = []
    for name, cells in rows.items():
        score = Score.of(cells, best)
        lines.append(
            (
                name,
                score.instances,
                score.asked,
                _percent(score.samples),
                _percent(score.solved),
                _percent(score.gap),
                _percent(score.gap_all),
                _percent(score.gap_best),
                _short(score.distinct),
                _short(score.hamming),
                _short(score.worst),
                _short(score.seconds),
                _short(score.per_feasible),
            )
        )
    columns = (
        "method", "instances", "K", "samples feasible %", "instances feasible %", "gap %",
        "gap % (infeasible as 100)", "best of K gap %", "distinct", "Hamming", "worst violation", "seconds",
        "seconds per feasible",
    )  # fmt: skip
    return Table(columns, tuple(lines), f"{title}; gaps to the best known, which is not proved optimal")


def races(rows: Rows, solvers: Sequence[str], best: Mapping[str, float], limit: float, title: str) -> Table | None:
    """The second table; None without solvers or anything to race against them.

    Args:
        solvers: Which of the rows are.
        limit: Seconds of each solver.
    """
    others = [name for name in rows if name not in solvers]
    solvers = [name for name in solvers if rows.get(name)]
    if not (others and solvers):
        return None
    theirs = {name: {cell.digest: cell for cell in rows[name]} for name in solvers}
    lines = []
    for name in others:
        cells = rows[name]
        score = Score.of(cells, best)
        row: list[object] = [name, _short(score.seconds), _percent(score.gap_best)]
        for solver in solvers:
            pairs = [(cell, theirs[solver][cell.digest]) for cell in cells if cell.digest in theirs[solver]]
            race = Race.of(pairs, best)
            row += [_percent(race.gap), _time(race, limit), _percent(race.reached)]
        met = [
            first(cell, [theirs[solver][cell.digest] for solver in solvers])
            for cell in cells
            if all(cell.digest in theirs[solver] for solver in solvers)
        ]
        lines.append((*row, _percent(sum(met) / len(met) if met else math.nan)))
    columns = ["method", "seconds", "best of K gap %"]
    for solver in solvers:
        columns += [f"{solver} gap % by then", f"{solver} seconds to equal", f"{solver} gets there %"]
    return Table((*columns, "ahead of all solvers %"), tuple(lines), f"{title}; solvers stop at {limit:g} s")


def _time(race: Race, limit: float) -> float | str | None:
    if math.isinf(race.seconds):
        return f"not within {limit:g} s"
    return _short(race.seconds)


def _percent(share: float) -> float | None:
    return None if math.isnan(share) else round(100 * share, 2)


def _short(value: float | None) -> float | None:
    """Three digits; None for what there is not."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.3g}")
