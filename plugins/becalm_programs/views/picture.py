"""Solutions as a picture: objective and violation of each."""

from collections.abc import Sequence

import numpy as np

from becalm.domain import Picture
from becalm_programs.problem.verify import Verdict


def draw(verdicts: Sequence[Verdict]) -> Picture:
    """One panel per program: solutions in order of objective; feasible ones blue, others red by their violation."""
    from matplotlib.figure import Figure

    shown = list(verdicts)[:9]
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(5 * columns, 3.2 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis, verdict in zip(axes, shown, strict=False):
        order = np.argsort(verdict.objective)
        colours = np.where(verdict.feasible[order], "#1d4ed8", "#d33f3f")
        axis.bar(np.arange(1, len(order) + 1), verdict.objective[order], color=colours, width=0.9)
        axis.set_title(f"{int(verdict.feasible.sum())} of {len(order)} feasible", fontsize=10)
        axis.set_xlabel("solution")
        axis.set_ylabel("objective")
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    return Picture.of_figure(figure)
