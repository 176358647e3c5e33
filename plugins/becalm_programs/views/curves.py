"""Samples of one program as a picture: violation and objective along the path, and the solutions' objectives."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from becalm.plugin.report import Picture
from becalm_programs.sampling.outcome import Mark, Outcome

_FEASIBLE, _INFEASIBLE, _LINE = "#1d4ed8", "#d33f3f", "#111827"


def panels(outcome: Outcome) -> Picture:
    """The picture; without marks of the path, the solutions alone."""
    figure, axes = _figure(3 if outcome.marks else 1)
    if outcome.marks:
        _violation(axes[0], outcome.marks)
        _objective(axes[1], outcome.marks, outcome.best)
    _solutions(axes[-1], outcome)
    figure.suptitle(f"{outcome.program.name or 'program'}, tier {outcome.tier}", fontsize=11)
    return Picture.of_figure(figure)


def stacked(outcome: Outcome) -> Picture:
    """The same with the solutions below the path."""
    figure, axes = _figure(2, rows=2)
    grid = axes[0].get_gridspec()
    axes[2].remove()
    axes[3].remove()
    _violation(axes[0], outcome.marks)
    _objective(axes[1], outcome.marks, outcome.best)
    _solutions(figure.add_subplot(grid[1, :]), outcome)
    return Picture.of_figure(figure)


def path(marks: Sequence[Mark], steps: int, text: str) -> Picture:
    """The picture of a path that is still being walked: what it has come to, of ``steps`` in all."""
    figure, axes = _figure(2)
    _violation(axes[0], marks)
    _objective(axes[1], marks, None)
    for axis in axes:
        axis.set_xlim(1, max(steps, 2))
    return Picture.of_figure(figure, text)


def _figure(columns: int, rows: int = 1) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * columns, 3.4 * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False).flatten()


def _violation(axis: Any, marks: Sequence[Mark]) -> None:
    steps = np.arange(1, len(marks) + 1)
    axis.plot(steps, [mark.violation for mark in marks], color=_INFEASIBLE)
    if max(mark.violation for mark in marks) > 10:
        axis.set_yscale("symlog", linthresh=1.0)
    axis.set_ylim(bottom=0)
    axis.set_ylabel("worst violation, mean of samples", color=_INFEASIBLE)
    share = axis.twinx()
    share.plot(steps, [100 * mark.feasible for mark in marks], color=_FEASIBLE, linestyle="--")
    share.set_ylim(0, 105)
    share.set_ylabel("feasible, %", color=_FEASIBLE)
    _along(axis, "violation along the path")


def _objective(axis: Any, marks: Sequence[Mark], best: float | None) -> None:
    steps = np.arange(1, len(marks) + 1)
    axis.plot(steps, [mark.objective for mark in marks], color=_LINE)
    if best is not None:
        axis.axhline(best, color=_FEASIBLE, linestyle=":", label="best feasible at the end")
        axis.legend(fontsize=8)
    axis.set_ylabel("objective, mean of samples")
    _along(axis, "objective along the path")


def _along(axis: Any, title: str) -> None:
    axis.set_title(title, fontsize=10)
    axis.set_xlabel("step, from noise to solutions")
    axis.xaxis.get_major_locator().set_params(integer=True)


def _solutions(axis: Any, outcome: Outcome) -> None:
    """Each solution's objective, best first; feasible ones blue, others red."""
    verdict = outcome.verdict
    order = np.argsort(-verdict.objective if outcome.program.maximise else verdict.objective)
    colours = np.where(verdict.feasible[order], _FEASIBLE, _INFEASIBLE)
    axis.scatter(np.arange(1, len(order) + 1), verdict.objective[order], c=colours, s=16)
    axis.set_title(f"{outcome.found} of {len(order)} feasible (blue)", fontsize=10)
    axis.set_xlabel("solution, best objective first")
    axis.set_ylabel("objective")
    axis.xaxis.get_major_locator().set_params(integer=True)
