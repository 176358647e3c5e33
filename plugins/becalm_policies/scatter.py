"""Where the actions of several methods went, side by side: one panel per method, over a picture of the task."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from becalm_policies.environments.make import make
from becalm_policies.rollout import Rollout

if TYPE_CHECKING:
    from becalm_policies.domain import Policies

_PATHS = 120
_COLUMNS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The rollouts of one method."""

    name: str
    rollouts: Sequence[Rollout]


def panels(domain: "Policies", shown: Sequence[Panel]) -> bytes:
    """A PNG: green what succeeded, red what did not. Episodes of one step are shown for one scene, all on it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(3 * columns, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    scene, like = _scene(domain, shown[0].rollouts)
    for axis, panel in zip(axes, shown, strict=False):
        axis.set_title(panel.name, fontsize=10)
        if domain.action_low is not None and domain.action_high is not None:
            (left, bottom), (right, top) = domain.action_low[:2], domain.action_high[:2]
            if scene is not None:
                axis.imshow(scene, extent=(left, right, bottom, top))
            axis.set_xlim(left, right)
            axis.set_ylim(bottom, top)
        for rollout in [one for one in panel.rollouts if rollout_of(one) in like][:_PATHS]:
            good = rollout.outcome.success if rollout.outcome.success is not None else rollout.outcome.best > 0
            colour = "#2a9d4a" if good else "#d33f3f"
            point = len(rollout.actions) == 1
            style: dict[str, Any] = {"marker": ".", "markersize": 4} if point else {"linewidth": 0.7}
            axis.plot(rollout.actions[:, 0], rollout.actions[:, 1], color=colour, alpha=0.7, **style)
        axis.set_xticks([])
        axis.set_yticks([])
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def rollout_of(rollout: Rollout) -> int:
    """Number of the start."""
    return rollout.start.episode


def _scene(domain: "Policies", rollouts: Sequence[Rollout]) -> tuple[npt.NDArray[np.uint8] | None, set[int]]:
    """A picture of the first start, if the environment is one of ours, and the starts to show with it."""
    everything = {rollout_of(rollout) for rollout in rollouts}
    if not domain.environment.startswith("becalm/"):
        return None, everything
    env = make(domain.environment, render=True)
    try:
        first, _ = env.reset(seed=rollouts[0].start.seed)
        picture = np.asarray(env.render())
        if domain.horizon > 1:
            return picture, everything
        same = {rollout_of(one) for one in rollouts if np.array_equal(env.reset(seed=one.start.seed)[0], first)}
        return picture, same
    finally:
        env.close()
