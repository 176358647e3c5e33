"""A search as options ask for it."""

import time

from becalm.device import pick
from becalm.errors import UserError
from becalm_programs.anytime.goal import SECONDS, Goal
from becalm_programs.anytime.instance import Instance
from becalm_programs.anytime.search import AnytimeSearch, Clock
from becalm_programs.opening import check_program, load
from becalm_programs.options import SampleOptions
from becalm_programs.problem.program import Program
from becalm_programs.sampling.choose import choose, fitting
from becalm_programs.search.solution_pool import SolutionPool
from becalm_programs.start import BY_NETWORK

_STEPS = 3
"""Sampler steps where nothing is said: more buy different samples, which a pool has by its starts."""
_MOST = 1000
"""Solutions that are kept where nothing is said; fewer of large programs. Of those wanted, four times as many."""
_CELLS = 2**26
_SPARE = 4


def open_search(
    program: Program, options: SampleOptions, *, name: str = "the program", clock: Clock = time.perf_counter
) -> AnytimeSearch:
    """The search that options ask for.

    Args:
        options: ``checkpoint`` names the network; None is the one that fits the program, if it is worth its time or a
            start is asked for that needs it.
        name: What complaints call the program.

    Raises:
        UserError: If the program cannot be sampled, there is no such network or device, or a start is asked for that
            does not fit.
    """
    pick(options.device)
    check_program(program, name)
    by_network = options.checkpoint is None and BY_NETWORK & set(options.start or ())
    network, reason = fitting(program) if by_network else choose(program, options.checkpoint, "1-opt")
    if network is not None and options.checkpoint is not None:
        load(network, options.device)  # The bundled ones are there, and load when their turn comes.
    for start in options.start or ():
        if network is None and start in BY_NETWORK:
            raise UserError(f"start {start} needs a network, and there is none: leave it out, or name a checkpoint")
    goal = Goal(SECONDS if options.seconds is None else options.seconds, options.distinct, options.within)
    most = max(min(_MOST, _CELLS // len(program.cost)), _SPARE * (options.distinct or 1))
    pool = SolutionPool(program, options.within, most)
    instance = Instance(program, network, reason, options.device, options.request(steps=_STEPS), pool)
    return AnytimeSearch(instance, goal, options.start, options.seed, clock)
