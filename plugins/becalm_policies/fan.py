"""The fan of chunks as a picture: what a policy might do next."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from becalm.domain import Picture
from becalm_policies.condition import Observed
from becalm_policies.environments.known import PLANES
from becalm_policies.environments.make import PUSHT
from becalm_policies.episodes import Array
from becalm_policies.observe import GOAL

if TYPE_CHECKING:
    from becalm_policies.domain import Policies

# Corners of the block's outline in its own frame, pixels (gym_pusht).
TEE = np.array([(-60, 0), (60, 0), (60, 30), (15, 30), (15, 120), (-15, 120), (-15, 30), (-60, 30), (-60, 0)], float)
_MOST = 64


def draw(domain: "Policies", actions: Array, cond: Observed) -> Picture:
    """Chunks (N, Tp, A) in the environment's units: in the plane where actions are positions, else over time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = actions[:_MOST]
    planar = shown.shape[2] == 2 and (len(domain.relative) == 2 or domain.environment in PLANES)
    figure = Figure(figsize=(5, 5) if planar else (6, 1.8 * shown.shape[2] + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    if planar:
        _plane(figure.subplots(), domain, shown, None if cond.newest is None else cond.newest[0].cpu().numpy())
    else:
        _time(figure.subplots(shown.shape[2], 1, sharex=True, squeeze=False)[:, 0], shown, domain.history - 1)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return Picture("image/png", buffer.getvalue())


def tee(pose: Array) -> Array:
    """(9, 2) outline of Push-T's block at (x, y, angle)."""
    cosine, sine = np.cos(pose[2]), np.sin(pose[2])
    outline: Array = TEE @ np.array([[cosine, sine], [-sine, cosine]]) + pose[:2]
    return outline


def _plane(axes: Any, domain: "Policies", actions: Array, newest: Array | None) -> None:
    down = PLANES.get(domain.environment, False)
    if domain.environment == PUSHT:
        axes.fill(*tee(GOAL).T, color="#b7e4c7", zorder=0, label="goal")
        if newest is not None:
            axes.fill(*tee(newest[2:5]).T, color="#8d99ae", zorder=1, label="block")
    low, high = domain.action_low, domain.action_high
    for chunk in actions:
        axes.plot(chunk[:, 0], chunk[:, 1], color="#888", linewidth=0.6, zorder=2)
        axes.scatter(chunk[:, 0], chunk[:, 1], c=np.arange(len(chunk)), cmap="viridis", s=7, zorder=3)
    if newest is not None:
        x, y = newest[list(domain.relative) or [0, 1]]
        axes.scatter(x, y, color="#1d4ed8", s=60, zorder=4, label="agent")
    if low is not None and high is not None:
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(high[1], low[1]) if down else axes.set_ylim(low[1], high[1])
    axes.set_aspect("equal")
    if newest is not None:
        axes.legend(loc="upper right")


def _time(axes: Any, actions: Array, now: int) -> None:
    time = np.arange(actions.shape[1]) - now
    for entry, row in enumerate(axes):
        row.plot(time, actions[:, :, entry].T, color="#1d4ed8", alpha=0.4, linewidth=0.8)
        row.axvline(0, color="#888", linewidth=0.8)
        row.set_ylabel(f"action {entry}")
    axes[-1].set_xlabel("steps from now")
