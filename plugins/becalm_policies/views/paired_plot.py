"""A comparison as one picture: the differences with their intervals, and each start's scores under two policies."""

from collections.abc import Mapping, Sequence
from typing import Any

from becalm.plugin.report import Picture
from becalm_policies.rollouts.paired import Array, Difference
from becalm_policies.rollouts.verdict import MEASURES
from becalm_policies.views.score_plot import BAND, INK

_SHOWN = 3
"""Policies whose starts are shown, each in a square of its own."""


def plot_pairs(
    scores: Mapping[str, Array], differences: Mapping[str, Sequence[Difference]], score: str, title: str
) -> Picture:
    """The picture.

    Args:
        scores: By policy, one per start in the same order; the first policy is what the others are compared with.
        differences: From the first, by policy, those of the measure that decides first.
        score: ``best`` or ``total``: what ``scores`` are.
    """
    from matplotlib.figure import Figure

    (first, before), *others = scores.items()
    others = others[:_SHOWN]
    figure = Figure(figsize=(5 + 4.2 * len(others), 4.4), layout="constrained")
    left, *squares = figure.subplots(1, 1 + len(others), squeeze=False)[0]
    figure.suptitle(title)
    _intervals(left, differences, first)
    name = MEASURES[score].removeprefix("mean ")
    for axes, (other, after) in zip(squares, others, strict=True):
        _square(axes, before, after)
        axes.set_xlabel(f"{name}, {first}")
        axes.set_ylabel(f"{name}, {other}")
    return Picture.of_figure(figure)


def _intervals(axes: Any, differences: Mapping[str, Sequence[Difference]], first: str) -> None:
    """Each policy's difference by the measure that decides, with its interval; those called are dark."""
    axes.axvline(0, color="#111", linewidth=1)
    for row, measures in enumerate(differences.values()):
        each = measures[0]
        color = INK if each.called else BAND
        axes.plot([each.estimate.low, each.estimate.high], [row, row], color=color, linewidth=6, solid_capstyle="butt")
        axes.plot(each.estimate.value, row, "o", color="#111")
        axes.annotate(f"p = {each.p:.2g}", (each.estimate.value, row), (0, 9), textcoords="offset points", ha="center")
    axes.set_yticks(range(len(differences)), list(differences))
    axes.set_ylim(len(differences) - 0.5, -0.7)
    axes.set_xlabel(f"{MEASURES[next(iter(differences.values()))[0].measure]}, less that of {first}")


def _square(axes: Any, before: Array, after: Array) -> None:
    """Each start as a point, on the diagonal where both policies score alike."""
    low, high = min(before.min(), after.min()), max(before.max(), after.max())
    axes.plot([low, high], [low, high], color="#111", linewidth=1)
    axes.scatter(before, after, s=14, color=INK, alpha=0.35, edgecolors="none")
    above, below = int((after > before).sum()), int((after < before).sum())
    axes.set_title(f"{above} starts higher, {below} lower", fontsize="medium")
