"""Episodes to training pairs: To observations, and the Tp actions that begin with the first of them.

    observations  o[t-To+1] ... o[t]
    actions       a[t-To+1] ... a[t] ... a[t-To+Tp]

Beyond an episode's edges its first observation and its last action are repeated (Chi et al. 2023, appendix). ``tail``
limits how many repeated actions a window may hold: windows that are mostly repetition teach to stand still.
"""

from dataclasses import dataclass

import numpy as np

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Array, Episodes, Indices

HISTORY, HORIZON, TAIL = 2, 16, 7
"""What a policy has unless it says otherwise, as in the paper."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Every window of some episodes, as rows of the episodes' tables.

    Attributes:
        seen: (W, To) steps whose observations a window holds.
        done: (W, Tp) steps whose actions it holds.
        episode: (W,) the episode of each.
    """

    seen: Indices
    done: Indices
    episode: Indices

    @classmethod
    def of(cls, episodes: Episodes, *, history: int, horizon: int, tail: int) -> "Windows":
        """All windows of all episodes.

        Args:
            history: To. horizon: Tp. tail: Most repetitions of the last action in a window.

        Raises:
            UserError: If no window fits.
        """
        seen, done, episode = [], [], []
        for number, (start, end) in enumerate(zip(episodes.starts, episodes.ends, strict=True)):
            last = min(end - 1, end - 1 + tail - (horizon - history))
            now = np.arange(start, last + 1)[:, None]
            seen.append(np.maximum(now + np.arange(1 - history, 1), start))
            done.append(np.clip(now + np.arange(1 - history, 1 - history + horizon), start, end - 1))
            episode.append(np.full(len(now), number, np.int64))
        windows = cls(np.concatenate(seen), np.concatenate(done), np.concatenate(episode))
        if len(windows.seen) == 0:
            longest = int(episodes.lengths.max())
            raise UserError(f"no window of {horizon} actions fits: the longest episode has {longest} steps; raise tail")
        return windows

    def __len__(self) -> int:
        return len(self.seen)

    def observations(self, episodes: Episodes) -> Array:
        """(W, To, D)."""
        return episodes.observations[self.seen]

    def actions(self, episodes: Episodes) -> Array:
        """(W, Tp, A)."""
        return episodes.actions[self.done]
