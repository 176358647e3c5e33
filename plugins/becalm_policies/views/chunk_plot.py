"""Chunks as a picture: what a policy might do next."""

from typing import Any

import numpy as np

from becalm.plugin.report import Picture
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.environments.known import PLANES, PUSHT
from becalm_policies.environments.pusht import outline
from becalm_policies.views.scene import Scene

_MOST = 64


def plot_chunks(scene: Scene, actions: Array, newest: Array | None) -> Picture:
    """Chunks in the plane where actions are positions, else over time.

    Args:
        actions: (N, Tp, A) in the environment's units.
        newest: (D,) the observation that they are for, or None.
    """
    from matplotlib.figure import Figure

    shown = actions[:_MOST]
    entries = shown.shape[2]
    planar = entries == 2 and scene.planar
    figure = Figure(figsize=(6, 5.2) if planar else (6, 1.8 * entries + 0.9), layout="constrained")
    if planar:
        axes: Any = figure.subplots()
        time = _plane(axes, scene, shown, newest)
        figure.colorbar(time, ax=axes, label="steps from now", shrink=0.8)
    else:
        _time(figure.subplots(entries, 1, sharex=True, squeeze=False)[:, 0], shown, scene.history - 1)
    some = f"{len(shown)} of {len(actions)}" if len(shown) < len(actions) else f"{len(shown)}"
    figure.suptitle(f"{scene.environment or 'policy'}: {some} chunks of {shown.shape[1]} actions", fontsize=11)
    return Picture.of_figure(figure)


def _plane(axes: Any, scene: Scene, actions: Array, newest: Array | None) -> Any:
    """Draws the chunks; returns what the colours of time are of."""
    now = scene.history - 1
    time: Any = None
    if scene.environment == PUSHT:
        axes.fill(*outline(scene.goal).T, color="#b7e4c7", zorder=0, label="goal")
        if newest is not None and len(newest) == 5:  # A policy that sees by cameras may not be told the block's pose.
            axes.fill(*outline(newest[2:5]).T, color="#8d99ae", zorder=1, label="block")
    for chunk in actions:
        axes.plot(chunk[:, 0], chunk[:, 1], color="#888", linewidth=0.6, zorder=2)
        steps = np.arange(len(chunk)) - now
        time = axes.scatter(chunk[:, 0], chunk[:, 1], c=steps, cmap="viridis", s=7, zorder=3)
    if newest is not None:
        x, y = newest[list(scene.relative) or [0, 1]]
        axes.scatter(x, y, color="#1d4ed8", s=60, zorder=4, label="agent")
    if (low := scene.low) is not None and (high := scene.high) is not None:
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(high[1], low[1]) if PLANES.get(scene.environment, False) else axes.set_ylim(low[1], high[1])
    unit = ", pixels" if scene.environment == PUSHT else ""
    axes.set(xlabel=f"x (action 0{unit})", ylabel=f"y (action 1{unit})")
    axes.set_aspect("equal")
    if newest is not None:
        axes.legend(loc="upper right")
    return time


def _time(axes: Any, actions: Array, now: int) -> None:
    time = np.arange(actions.shape[1]) - now
    for entry, row in enumerate(axes):
        row.plot(time, actions[:, :, entry].T, color="#1d4ed8", alpha=0.4, linewidth=0.8)
        row.axvline(0, color="#888", linewidth=0.8)
        row.set_ylabel(f"action {entry}")
    axes[-1].set_xlabel("steps from now")
