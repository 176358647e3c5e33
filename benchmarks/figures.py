"""Figures of searches and samples over instances, and the tables of them."""

from collections.abc import Iterator, Sequence
from typing import Any

import anytime
import numpy as np
import samples
from anytime import FAR, NEAR, Run

from becalm.plugin.report import counted
from becalm_programs.evaluation.judge import gap
from becalm_programs.families import generate
from becalm_programs.sampling.choose import worthwhile

NAMES = {
    "no-network": "all starts, no network",
    "with-network": "all starts, with the network",
    "network": "samples of the network",
    "guidance": "samples without a network",
    "greedy": "randomised greedy, 1-opt",
    "relaxation": "relaxation, 1-opt",
    "jump": "feasibility jump, 1-opt",
    "highs": "HiGHS",
    "scip": "SCIP",
    "cbc": "CBC",
    "cp-sat": "CP-SAT",
    "local-mip": "Local-MIP",
    "kamis": "KaMIS",
}
SHOWN = (0.5, 2.0, 10.0)
"""Seconds of which the tables have columns; the last is that of the run."""
Best = dict[tuple[Any, ...], float]


def mean(values: Sequence[float], digits: int = 2) -> str:
    """With its 95 % interval by Student's t over instances; alone where there is one."""
    from scipy.stats import t

    kept = np.asarray(values, dtype=np.float64)
    if not len(kept):
        return ""
    if len(kept) < 2:
        return f"{kept.mean():.{digits}f}"
    half = t.ppf(0.975, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept))
    return f"{kept.mean():.{digits}f} ± {half:.{digits}f}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table."""
    return [f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows)]


def over_calls(cells: Sequence[samples.Cell], best: Best) -> Iterator[str]:
    """Thirty solutions of each start."""
    family, own = cells[0].family, samples.own_calls(cells[0].family)
    columns = ["start", "feasible %", "gap %", "best of 30, gap %", "1-opt: gap %", "best of 30, gap %"]
    rows = []
    for start in dict.fromkeys(cell.start for cell in cells):
        mine = [cell for cell in cells if cell.start == start]
        name, _, calls = start.rpartition(" ")
        if calls.isdigit():
            network = name == "network"
            its_own = " (its own)" if network and int(calls) == own else ""
            start = f"{'the' if network else 'no'} network, {counted(int(calls), 'call')}{its_own}"
        row = [start, f"{100 * np.mean([len(cell.values) / cell.count for cell in mine]):.1f}"]
        for values in ("values", "moved"):
            off = [100 * gap(getattr(cell, values), best[place(cell)], cell.maximise) for cell in mine]
            found = [each for each in off if len(each)]
            row += [f"{np.mean([each.mean() for each in found]):.2f}" if found else "none"]
            row += [mean([each.min() for each in found])]
        apart = [cell.hamming for cell in mine if cell.hamming is not None]
        row += [f"{np.mean([cell.distinct for cell in mine]):.1f}", f"{np.mean(apart):.0f}" if apart else ""]
        rows.append([*row, f"{np.mean([cell.seconds for cell in mine]):.2f}"])
    yield f"Thirty solutions, {counted(len({cell.instance for cell in cells}), 'instance')} of family `{family}`:"
    yield ""
    yield from markdown([*columns, "different", "apart", "seconds"], rows)


def over_time(runs: Sequence[Run], best: Best) -> Iterator[str]:
    """Searches and solvers."""
    default = by_default(runs)
    shown = [moment for moment in SHOWN if moment < runs[0].seconds] + [runs[0].seconds]
    columns = ["method", *(f"gap % at {moment:g} s" for moment in shown)]
    columns += [f"within 1 % / 5 % at {moment:g} s" for moment in shown[1:]]
    rows = []
    for method in dict.fromkeys(run.method for run in runs):
        mine = [run for run in runs if run.method == method and not run.note]
        name = NAMES.get(method, method) + " (the default)" * (method == default)
        if not mine:
            rows.append([name, "does not take these", *[""] * len(columns)])
            continue
        row = [name, *(f"{np.mean(gaps(mine, best, moment)):.2f}" for moment in shown[:-1])]
        row.append(mean(gaps(mine, best, shown[-1])))
        row += [f"{near(mine, best, moment, NEAR):.0f} / {near(mine, best, moment, FAR):.0f}" for moment in shown[1:]]
        apart = [run.hamming for run in mine if run.hamming is not None]
        rows.append([*row, mean(integrals(mine, best), 3), f"{np.mean(apart):.0f}" if apart else ""])
    yield f"Over time, {counted(len({run.instance for run in runs}), 'instance')}:"
    yield ""
    yield from markdown([*columns, "primal integral, s", "apart"], rows)


def of(runs: Sequence[Run], method: str) -> list[Run]:
    """Those of a method."""
    return [run for run in runs if run.method == method]


def by_default(runs: Sequence[Run]) -> str:
    """Which of the two searches ``--seconds`` is for this family."""
    program = generate(runs[0].family, runs[0].size, runs[0].instance)
    return "no-network" if worthwhile(program, "1-opt")[0] is None else "with-network"


def place(made: Run | samples.Cell) -> tuple[Any, ...]:
    """The instance."""
    return (made.family, made.size, made.instance)


def gaps(runs: Sequence[Run], best: Best, moment: float) -> list[float]:
    """Of the best at a moment, in per cent; 100 where there is none."""
    return [anytime.figures([run], best, moment)[0] for run in runs]


def near(runs: Sequence[Run], best: Best, moment: float, share: float) -> float:
    """Different solutions so near to the best known."""
    return anytime.figures(runs, best, moment)[1 if share == NEAR else 2]


def integrals(runs: Sequence[Run], best: Best) -> list[float]:
    """Of the primal gap, in seconds."""
    return [anytime.integral(run, best[place(run)], run.seconds) for run in runs]
