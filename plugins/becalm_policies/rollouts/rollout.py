"""Episodes played in batches: each start runs exactly one episode, whatever becomes of the others.

An environment whose episode is over is frozen: it is stepped no more, its observation stays, its reward is 0. So a
round ends when its longest episode does, and no start is cut short or played twice.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt

from becalm_policies.rollouts.estimates import Outcome
from becalm_policies.rollouts.protocol import Start

Act = Callable[[npt.NDArray[np.float64]], npt.ArrayLike]
"""Observations (B, D) to actions (B, A)."""


class Actor(Protocol):
    """What a ``Policy`` is to a rollout."""

    def reset(self, *, numbers: Any) -> None: ...

    def act(self, observation: npt.ArrayLike) -> npt.ArrayLike: ...


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rollout:
    """One finished episode.

    Attributes:
        actions: (T, A) as they were taken, so that the episode can be played again.
        rewards: (T,).
    """

    start: Start
    outcome: Outcome
    actions: npt.NDArray[np.float64]
    rewards: npt.NDArray[np.float64]

    def __repr__(self) -> str:
        said = {None: "", True: ", a success", False: ", no success"}[self.outcome.success]
        return f"<Rollout {self.outcome.episode}: {self.outcome.steps} steps, return {self.outcome.total:.4g}{said}>"


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """One control step of a round.

    Attributes:
        step: Steps taken in this round. live: Episodes still running.
        finished: Those that this step ended.
    """

    step: int
    live: int
    finished: tuple[Rollout, ...]


class Once(gymnasium.Wrapper):  # type: ignore[misc]
    """An environment that plays the episode it is given, and is frozen before and after.

    ``reset(options={"starts": [...]})`` gives number ``row`` of the list, None for no episode; a reset without starts
    changes nothing, which is what vector environments do to one that has ended.
    """

    def __init__(self, env: Any, row: int, limit: int | None) -> None:
        super().__init__(env)
        self._row, self._limit = row, limit
        self._steps, self._over = 0, True
        self._seen: Any = None

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """Begins the episode given, if one is."""
        if not options or "starts" not in options:
            return self._seen, {}
        start: Start | None = options["starts"][self._row]
        self._seen, info = (start or Start(0, 0)).reset(self.env)
        self._steps, self._over = 0, start is None
        return self._seen, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Steps, until the episode is over."""
        if self._over:
            return self._seen, 0.0, False, False, {}
        self._seen, reward, ended, cut, info = self.env.step(action)
        self._steps += 1
        cut = bool(cut) or (self._limit is not None and self._steps >= self._limit and not ended)
        self._over = bool(ended) or cut
        return self._seen, float(reward), bool(ended), cut, info


def play(
    make: Callable[[], Any],
    actor: Actor | Act,
    starts: Sequence[Start],
    *,
    limit: int | None = None,
    parallel: int = 50,
    workers: int = 0,
) -> Iterator[Tick]:
    """Plays each start once, ``parallel`` at a time.

    Args:
        make: Makes one environment.
        actor: A policy, or a function from observations (B, D) to actions (B, A). A policy takes the noise of an
            environment by the episode's number, so the result does not depend on ``parallel``; to the last bit under
            ``Execution.rows``.
        limit: Steps of an episode at most, beside the environment's own limit.
        workers: If above 0, that many environments at a time, each in a process of its own.
    """
    if not starts:
        return
    count = min(workers or parallel, len(starts))
    makers = [partial(_once, make, row, limit) for row in range(count)]
    envs: Any = gymnasium.vector.AsyncVectorEnv(makers) if workers else gymnasium.vector.SyncVectorEnv(makers)
    try:
        for first in range(0, len(starts), count):
            batch = starts[first : first + count]
            yield from _round(envs, actor, [*batch, *[None] * (count - len(batch))])
    finally:
        envs.close()


def _once(make: Callable[[], Any], row: int, limit: int | None) -> Once:
    return Once(make(), row, limit)


def _round(envs: Any, actor: Actor | Act, starts: Sequence[Start | None]) -> Iterator[Tick]:
    act: Any = actor if callable(actor) else actor.act
    if not callable(actor):
        actor.reset(numbers=[0 if start is None else start.episode for start in starts])
    seen, _ = envs.reset(options={"starts": list(starts)})
    space = envs.single_action_space
    live = np.array([start is not None for start in starts])
    success: list[bool | None] = [None] * len(starts)
    taken: list[npt.NDArray[np.float64]] = []
    rewards: list[npt.NDArray[np.float64]] = []
    while live.any():
        actions = np.asarray(act(seen), dtype=space.dtype)
        seen, reward, ended, cut, info = envs.step(actions)
        taken.append(actions.astype(np.float64))
        rewards.append(np.where(live, reward, 0.0))
        _note(success, live, info)
        over = live & (ended | cut)
        live &= ~over
        finished = []
        for row, start in enumerate(starts):
            if over[row] and start is not None:
                history, gained = np.stack([step[row] for step in taken]), np.array([step[row] for step in rewards])
                # Exact, since the last bit of numpy's sum depends on where in memory the rewards lie.
                best, total, notes = float(gained.max()), math.fsum(gained), _notes(info, row)
                outcome = Outcome(start.episode, len(gained), best, total, success[row], notes)
                finished.append(Rollout(start, outcome, history, gained))
        yield Tick(len(taken), int(live.sum()), tuple(finished))


def _note(success: list[bool | None], live: npt.NDArray[np.bool_], info: Mapping[str, Any]) -> None:
    """Marks who succeeds at this step, if the environment says so."""
    name = next((name for name in ("is_success", "success") if name in info), None)
    if name is None:
        return
    said = info.get(f"_{name}", np.ones(len(success), bool))
    for row in np.flatnonzero(live & said):
        success[row] = bool(success[row]) or bool(info[name][row])


def _notes(info: Mapping[str, Any], row: int) -> dict[str, bool | str]:
    """The truth values and words that an environment says at the end, but for the success."""
    notes: dict[str, bool | str] = {}
    for name, values in info.items():
        said = info.get(f"_{name}")
        if name in ("is_success", "success") or said is None or not said[row]:
            continue
        value = values[row]
        if isinstance(value, (bool, np.bool_)):
            notes[name] = bool(value)
        elif isinstance(value, str):
            notes[name] = str(value)
    return notes
