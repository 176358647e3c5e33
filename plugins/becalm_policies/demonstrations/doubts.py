"""What may be wrong with demonstrations, a sentence each: nothing here is refused, since it may be meant."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from becalm.plugin.report import counted
from becalm_policies.demonstrations.episodes import Array, Episodes
from becalm_policies.demonstrations.prepare import off_goal, said
from becalm_policies.demonstrations.spread import Spread, spread
from becalm_policies.environments.pusht import Pose

_SHOWN = 6


def doubts(episodes: Episodes) -> list[str]:
    """What may be wrong with the demonstrations as they are."""
    return [*of_entries(episodes), *of_bounds(episodes), *of_episodes(episodes)]


def of_entries(episodes: Episodes) -> list[str]:
    """Entries of observations and actions that never change, jitter, or have outliers."""
    return [
        sentence for title, values, names in columns(episodes) for sentence in _of_table(title, spread(values), names)
    ]


def of_bounds(episodes: Episodes) -> list[str]:
    """Actions beyond their bounds."""
    outside = beyond(episodes)
    if not outside.any():
        return []
    actions, share = counted(int(outside.sum()), "action"), 100 * float(outside.mean())
    return [f"{actions} ({share:.3g} %) out of bounds, the first at step {outside.argmax()}"]


def of_episodes(episodes: Episodes) -> list[str]:
    """Episodes that are there twice, or hold a single step."""
    found: list[str] = []
    if twice := duplicates(episodes):
        first, second = twice[0]
        found.append(f"{counted(len(twice), 'episode')} there twice, such as {first} and {second}")
    single = np.flatnonzero(episodes.lengths == 1)
    if len(single):
        found.append(f"{counted(len(single), 'episode')} of a single step, such as {single[0]}")
    return found


def too_short(episodes: Episodes, *, history: int, horizon: int, tail: int) -> list[str]:
    """Whether episodes are too short to give a training window, as ``windows`` cuts them."""
    least = horizon - history - tail + 1
    short = np.flatnonzero(episodes.lengths < least)
    if not len(short):
        return []
    needed = horizon - history + 1 - int(episodes.lengths[short].min())
    return [
        f"{len(short)} of {counted(len(episodes), 'episode')} too short to be learnt from, such as {short[0]} with "
        f"{counted(int(episodes.lengths[short[0]]), 'step')}: a window of {horizon} actions takes {least} steps; "
        f"--tail {needed} takes them all"
    ]


def elsewhere(episodes: Episodes, goal: Pose) -> list[str]:
    """Whether episodes of Push-T end elsewhere than at the goal that features look at."""
    wrong = off_goal(episodes, goal)
    if not len(wrong):
        return []
    return [
        f"{len(wrong)} of {counted(len(episodes), 'episode')} not ending at the goal {said(goal)} that observe pusht "
        f"looks at, such as {wrong[0]}: --goal says another"
    ]


def columns(episodes: Episodes) -> list[tuple[str, Array, list[str]]]:
    """Title, table and names of the entries of observations and actions; numbered where the spec has no names."""
    tables = [(title, episodes.entries(title)) for title in ("observation", "action")]
    return [
        (title, values, episodes.names(title) or [str(number) for number in range(values.shape[1])])
        for title, values in tables
    ]


def duplicates(episodes: Episodes) -> list[tuple[int, int]]:
    """Pairs (first, later) of episodes with the same observations and actions, to the bit."""
    seen: dict[tuple[bytes, bytes], int] = {}
    pairs: list[tuple[int, int]] = []
    for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
        content = (episodes.observations[start:end].tobytes(), episodes.actions[start:end].tobytes())
        first = seen.setdefault(content, number)
        if first != number:
            pairs.append((first, number))
    return pairs


def beyond(episodes: Episodes) -> npt.NDArray[np.bool_]:
    """(N,) whether an action lies beyond the environment's bounds, where they are known."""
    outside = np.zeros(len(episodes.actions), dtype=bool)
    low, high = (episodes.spec.get(name) for name in ("action_low", "action_high"))
    if low is not None:
        outside |= (episodes.actions < np.asarray(low)).any(1)
    if high is not None:
        outside |= (episodes.actions > np.asarray(high)).any(1)
    return outside


def _of_table(title: str, spread: Spread, names: Sequence[str]) -> list[str]:
    def called(which: npt.NDArray[np.bool_]) -> str:
        chosen = [name for name, there in zip(names, which, strict=True) if there]
        return ", ".join(chosen[:_SHOWN]) + (f" and {len(chosen) - _SHOWN} more" if len(chosen) > _SHOWN else "")

    found: list[str] = []
    constant = spread.low == spread.high
    if constant.any():
        found.append(f"{title} {called(constant)} never changes")
    if (jitter := spread.still & ~constant).any():
        worst = int(np.flatnonzero(jitter)[0])
        size = f"{spread.high[worst] - spread.low[worst]:.2g} about {(spread.low[worst] + spread.high[worst]) / 2:.4g}"
        found.append(f"{title} {called(jitter)} only jitters, by {size}: it counts as one that never changes")
    for entry in np.flatnonzero(spread.outlying)[:_SHOWN]:
        inner = f"{spread.inner_low[entry]:.4g} to {spread.inner_high[entry]:.4g}"
        found.append(
            f"{title} {names[entry]} is {spread.farthest[entry]:.4g} at step {spread.step[entry]}, but nearly always "
            f"within {inner}: scaled by its range all that becomes one number, --normalise quantile keeps it apart"
        )
    if (more := int(spread.outlying.sum()) - _SHOWN) > 0:
        found.append(f"{title} has such outliers in {more} more of its entries")
    return found
