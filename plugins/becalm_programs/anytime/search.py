"""The search: start after start draws solutions into one pool until the goal is reached.

With one seed it does the same as far as the clock lets it: how many turns there are, and how long, is a matter of time.
"""

import time
import zlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import cast

import numpy as np

from becalm.errors import UserError, unknown
from becalm_programs.anytime.goal import Goal
from becalm_programs.anytime.instance import Draw, InfeasibleError, Instance, Prepare
from becalm_programs.anytime.turns import Turns
from becalm_programs.problem.program import in_original_sense
from becalm_programs.propagation.tighten import tighten
from becalm_programs.start import FROM_SOLUTIONS, STARTS, StartName

Clock = Callable[[], float]

_TURN, _LEAST, _LONGEST = 0.02, 0.01, 0.3
"""Seconds of a turn: this share of the time, within limits."""
_BATCH = 32
"""Most solutions of a turn."""
_MEMORY = 0.1
"""Share of the time after which half of what starts used and brought is forgotten in the sharing."""
_WANTED = 100
"""Solutions that are enough for the sharing of time where nothing is said."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a search has come.

    Attributes:
        seconds: Since the beginning.
        best: Objective of the best, in the original's sense; None if there is none.
        distinct: Different solutions that are near enough to it.
    """

    seconds: float
    best: float | None
    distinct: int


@dataclass(slots=True, eq=False)
class AnytimeSearch:
    """A search under way.

    Args:
        instance: What is searched.
        goal: When to end.
        starts: Which; None for all that fit.
        seed: Of all that is drawn.
        clock: Gives seconds.

    Raises:
        UserError: If a start is unknown.
    """

    instance: Instance
    goal: Goal
    starts: Sequence[StartName] | None = None
    seed: int = 0
    clock: Clock = time.perf_counter
    moments: list[Moment] = field(default_factory=list)
    infeasible: str = ""
    turns: Turns = field(init=False)
    _draws: dict[str, Draw] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = list(STARTS if self.starts is None else dict.fromkeys(self.starts))
        for name in names:
            if name not in STARTS:
                raise unknown("start", name, STARTS)
        if set(names) <= FROM_SOLUTIONS:
            raise UserError(f"start {', '.join(names)} needs solutions of other starts: name another one beside it")
        memory = max(_MEMORY * self.goal.seconds, _LEAST)
        self.turns = Turns(names, self.goal.distinct or _WANTED, memory)

    def run(self) -> Generator[Moment, None, None]:
        """Searches; how far it has come is told after each turn. It may be left at any time.

        Raises:
            UserError: If a start that was asked for does not fit.
        """
        begun, best_at = self.clock(), 0.0
        self.infeasible = tighten(self.instance.program).proof
        if self.infeasible:
            return
        pool = self.instance.pool
        while not self.goal.reached(now := self.clock() - begun, len(pool), best_at):
            name = self.turns.next(self.goal.seconds - now, self._able(), len(pool))
            if name is None:
                return
            before = pool.best
            try:
                fits = self._turn(name, self.goal.seconds - now)
            except InfeasibleError as proof:
                self.infeasible = str(proof)
                return
            if not fits:
                continue
            now = self.clock() - begun
            best_at = now if pool.best < before else best_at
            self.moments.append(self._moment(now))
            yield self.moments[-1]

    def _able(self) -> list[str]:
        """The starts that can draw: some need a solution to start from."""
        return [name for name in self.turns.tallies if len(self.instance.pool) or name not in FROM_SOLUTIONS]

    def _turn(self, name: str, left: float) -> bool:
        """One turn of a start; False if it turns out not to fit."""
        if name not in self._draws:
            draw = _prepare(name)(self.instance)
            if draw is None:
                self._leave_out(name)
                return False
            self._draws[name] = draw
        begun, pool = self.clock(), self.instance.pool
        tally = self.turns.tallies[name]
        random = np.random.default_rng([self.seed, zlib.crc32(name.encode()), tally.turns])
        seconds = min(max(_TURN * self.goal.seconds, _LEAST), _LONGEST, left)
        known = len(pool)
        added = pool.add(self._draws[name](self.turns.size(name, seconds, _BATCH), tally.apart, left, random))
        self.turns.note(name, self.clock() - begun, added, first=not known and len(pool) > 0)
        return True

    def _leave_out(self, name: str) -> None:
        if self.starts is not None:
            raise UserError(f"start {name} does not fit this program: leave it out of the starts")
        del self.turns.tallies[name]

    def _moment(self, seconds: float) -> Moment:
        pool = self.instance.pool
        best = in_original_sense(self.instance.program, pool.best) if len(pool) else None
        return Moment(seconds, best, len(pool))


def _prepare(name: str) -> Prepare:
    """How a start is prepared."""
    return cast(Prepare, import_module(f"becalm_programs.anytime.starts.{name.replace('-', '_')}").prepare)
