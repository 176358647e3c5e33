"""Where the actions of several methods went, side by side: one panel per method, over a picture of the task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.plugin.report import Picture
from becalm_policies.environments.make import make
from becalm_policies.rollouts.rollout import Rollout
from becalm_policies.views.scene import Scene

_PATHS = 120
_COLUMNS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The rollouts of one method."""

    name: str
    rollouts: Sequence[Rollout]


def plot_actions(scene: Scene, panels: Sequence[Panel]) -> Picture:
    """Green what succeeded, red what did not. Episodes of one step are shown for one start, all on its picture."""
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3 * columns, 3.2 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    background, like = _background(scene, panels[0].rollouts)
    for axis, panel in zip(axes, panels, strict=False):
        axis.set_title(panel.name, fontsize=10)
        if scene.low is not None and scene.high is not None:
            (left, bottom), (right, top) = scene.low[:2], scene.high[:2]
            if background is not None:
                axis.imshow(background, extent=(left, right, bottom, top))
            axis.set_xlim(left, right)
            axis.set_ylim(bottom, top)
        for rollout in [one for one in panel.rollouts if one.start.episode in like][:_PATHS]:
            good = rollout.outcome.success if rollout.outcome.success is not None else rollout.outcome.best > 0
            colour = "#2a9d4a" if good else "#d33f3f"
            point = len(rollout.actions) == 1
            style: dict[str, Any] = {"marker": ".", "markersize": 4} if point else {"linewidth": 0.7}
            axis.plot(rollout.actions[:, 0], rollout.actions[:, 1], color=colour, alpha=0.7, **style)
        axis.set_xticks([])
        axis.set_yticks([])
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return Picture.of_figure(figure)


def _background(scene: Scene, rollouts: Sequence[Rollout]) -> tuple[npt.NDArray[np.uint8] | None, set[int]]:
    """A picture of the first start, if the environment is one of ours, and the episodes to show on it."""
    everything = {rollout.start.episode for rollout in rollouts}
    if not scene.environment.startswith("becalm/"):
        return None, everything
    env = make(scene.environment, render=True)
    try:
        first, _ = env.reset(seed=rollouts[0].start.seed)
        picture = np.asarray(env.render())
        if scene.horizon > 1:
            return picture, everything
        same = {one.start.episode for one in rollouts if np.array_equal(env.reset(seed=one.start.seed)[0], first)}
        return picture, same
    finally:
        env.close()
