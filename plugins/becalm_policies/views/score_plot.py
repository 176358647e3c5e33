"""An evaluation as one picture: every episode's score in order, and how the scores came about over time."""

from collections.abc import Sequence

import numpy as np

from becalm.plugin.report import Picture
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.rollouts.estimates import Estimate
from becalm_policies.rollouts.rollout import Rollout

INK, BAND = "#1d4ed8", "#bfd3fb"


def plot_scores(rollouts: Sequence[Rollout], score: str, mean: Estimate, title: str) -> Picture:
    """The picture.

    Args:
        score: ``best`` or ``total``: largest reward, or return. mean: Of the episodes, with its interval.
    """
    from matplotlib.figure import Figure

    name = "largest reward" if score == "best" else "return"
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    figure.suptitle(title)
    values = np.sort([getattr(rollout.outcome, score) for rollout in rollouts])
    left.bar(np.arange(1, len(values) + 1), values, width=1.0 if len(values) > 60 else 0.8, color=INK)
    left.axhspan(mean.low, mean.high, color=BAND, alpha=0.6, zorder=0, label="95 % interval")
    left.axhline(mean.value, color="#111", linewidth=1, label=f"mean {mean.value:.4g}")
    left.set_xlabel("episode, worst to best")
    left.set_ylabel(name)
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    left.xaxis.get_major_locator().set_params(integer=True)
    so_far = _so_far(rollouts, score)
    low, high = np.quantile(so_far, [0.25, 0.75], axis=0)
    steps = np.arange(1, so_far.shape[1] + 1)
    right.fill_between(steps, low, high, color=BAND, label="middle half of the episodes")
    right.plot(steps, so_far.mean(0), color=INK, label="mean")
    right.set_xlabel("step")
    right.set_ylabel(f"{name} so far")
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return Picture.of_figure(figure)


def _so_far(rollouts: Sequence[Rollout], score: str) -> Array:
    """(E, T) the score up to each step; it stays after an episode's end."""
    longest = max(len(rollout.rewards) for rollout in rollouts)
    rows = []
    for rollout in rollouts:
        run = np.maximum.accumulate(rollout.rewards) if score == "best" else np.cumsum(rollout.rewards)
        rows.append(np.concatenate([run, np.full(longest - len(run), run[-1])]))
    return np.stack(rows)
