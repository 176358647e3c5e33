"""A search as options ask for it."""

import time

from becalm.errors import UserError
from becalm_programs.anytime.goal import SECONDS, Goal
from becalm_programs.anytime.instance import Instance
from becalm_programs.anytime.search import AnytimeSearch, Clock
from becalm_programs.opening import NO_NETWORK, Opening
from becalm_programs.options import SampleOptions
from becalm_programs.search.solution_pool import SolutionPool

_STEPS = 3
"""Sampler steps where nothing is said: more buy different samples, which a pool has by its starts."""
_MOST = 1000
"""Solutions that are kept where nothing is said; fewer of large programs. Of those wanted, four times as many."""
_CELLS = 2**26
_SPARE = 4


def open_search(opening: Opening, options: SampleOptions, clock: Clock = time.perf_counter) -> AnytimeSearch:
    """The search that options ask for.

    Raises:
        UserError: If a start is asked for that does not fit the program.
    """
    goal = Goal(SECONDS if options.seconds is None else options.seconds, options.distinct, options.within)
    if options.start is not None and "network" in options.start and opening.network == NO_NETWORK:
        raise UserError(f"start network needs a network: {opening.reason}")
    most = max(min(_MOST, _CELLS // len(opening.program.cost)), _SPARE * (options.distinct or 1))
    instance = Instance(opening, options.request(steps=_STEPS), SolutionPool(opening.program, options.within, most))
    return AnytimeSearch(instance, goal, options.start, options.seed, clock)
