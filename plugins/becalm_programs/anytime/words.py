"""What a search has come to in words."""

from collections.abc import Iterator

from becalm_programs.anytime.goal import Goal
from becalm_programs.anytime.pool import Pool


def remarks(pool: Pool, goal: Goal) -> Iterator[str]:
    """What the figures of a search would not say."""
    if pool.infeasible:
        yield f"the program is infeasible: {pool.infeasible}"
    elif not len(pool):
        yield f"nothing feasible was found in {pool.seconds:.3g} seconds: give it more by --seconds"
    elif goal.distinct is not None and len(pool) < goal.distinct:
        near = "" if goal.within is None else f" within {100 * goal.within:g}%"
        wider = "" if goal.within is None else " or a wider --within"
        yield (
            f"{len(pool)} of {goal.distinct} different solutions were found{near}: "
            f"more --seconds{wider} may bring others, where there are any"
        )
