"""Samples of one program as one PNG: violation and objective along the path, and the solutions' objectives."""

import io
from typing import Any

import numpy as np

from becalm_programs.sampling import Outcome

_FEASIBLE, _INFEASIBLE, _LINE = "#1d4ed8", "#d33f3f", "#111827"


def panels(outcome: Outcome) -> bytes:
    """The picture; without marks of the path, the solutions alone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = 3 if outcome.marks else 1
    figure = Figure(figsize=(4.6 * count, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, count, squeeze=False)[0]
    if outcome.marks:
        _violation(axes[0], outcome)
        _objective(axes[1], outcome)
    _solutions(axes[-1], outcome)
    figure.suptitle(f"{outcome.program.name or 'program'}, tier {outcome.tier}", fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _violation(axis: Any, outcome: Outcome) -> None:
    steps = np.arange(1, len(outcome.marks) + 1)
    axis.plot(steps, [mark.violation for mark in outcome.marks], color=_INFEASIBLE)
    if max(mark.violation for mark in outcome.marks) > 10:
        axis.set_yscale("symlog", linthresh=1.0)
    axis.set_ylim(bottom=0)
    axis.set_ylabel("worst violation, mean of samples", color=_INFEASIBLE)
    share = axis.twinx()
    share.plot(steps, [100 * mark.feasible for mark in outcome.marks], color=_FEASIBLE, linestyle="--")
    share.set_ylim(0, 105)
    share.set_ylabel("feasible, %", color=_FEASIBLE)
    _along(axis, "violation along the path")


def _objective(axis: Any, outcome: Outcome) -> None:
    steps = np.arange(1, len(outcome.marks) + 1)
    axis.plot(steps, [mark.objective for mark in outcome.marks], color=_LINE)
    if outcome.best is not None:
        axis.axhline(outcome.best, color=_FEASIBLE, linestyle=":", label="best feasible at the end")
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
