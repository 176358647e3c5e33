"""Runs against the clock as a picture: the best objective so far of each."""

from collections.abc import Mapping, Sequence

from becalm.plugin.report import Picture
from becalm_programs.problem.program import Program

_COLOURS = ("#6b7280", "#1d4ed8", "#d33f3f", "#0f766e", "#b45309", "#7c3aed")


def race(program: Program, runs: Mapping[str, tuple[Sequence[tuple[float, float]], float]]) -> Picture:
    """The picture.

    Args:
        runs: Of each, by name, (seconds, objective) of its incumbents and the seconds that it took.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axis = figure.subplots()
    drawn = False
    for place, (name, (points, seconds)) in enumerate(runs.items()):
        if not points:
            continue
        # The last incumbent holds until the end.
        times = [*(max(time, 1e-3) for time, _ in points), max(seconds, points[-1][0])]
        values = [*(value for _, value in points), points[-1][1]]
        colour = _COLOURS[place % len(_COLOURS)]
        axis.step(times, values, where="post", label=name, color=colour)
        axis.plot(times[0], values[0], "o", color=colour, markersize=5)
        drawn = True
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("seconds, sampling included")
    axis.set_ylabel(f"best objective so far ({'maximise' if program.maximise else 'minimise'})")
    axis.set_title(program.name or "program", fontsize=10)
    if drawn:
        axis.legend()
    return Picture.of_figure(figure)
