"""What a table of searches says against the default search, and for or against the network, in sentences."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from anytime import NEAR, Run
from figures import NAMES, Best, by_default, gaps, integrals, mean, near, of

Judged = Callable[[Sequence[Run], Best], float]


def losses(runs: Sequence[Run], best: Best, family: str) -> str:
    """Of one family: who is ahead of the default, and what the network brings."""
    return f"- **{family}.** " + " ".join([*ahead(runs, best), *network(runs, best)])


def ahead(runs: Sequence[Run], best: Best) -> Iterator[str]:
    """Who has a lower primal integral, a lower gap at the end, more solutions near the best."""
    end = runs[0].seconds
    yield compared(runs, "a lower primal integral", lambda own, known: float(np.mean(integrals(own, known))), best, 3)
    yield compared(runs, f"a lower gap at {end:g} s", lambda own, known: float(np.mean(gaps(own, known, end))), best, 2)
    yield compared(
        runs, "more solutions within 1 %", lambda own, known: near(own, known, end, NEAR), best, 0, most=True
    )


def compared(runs: Sequence[Run], what: str, judged: Judged, best: Best, digits: int, *, most: bool = False) -> str:
    """A sentence that names who does better than the default, the best first."""
    default, sign = by_default(runs), -1.0 if most else 1.0
    figures = {
        method: judged(own, best)
        for method in dict.fromkeys(run.method for run in runs)
        if (own := [run for run in of(runs, method) if not run.note])
    }
    own = round(figures[default], digits)
    others = {name: round(value, digits) for name, value in figures.items() if sign * round(value, digits) < sign * own}
    listed = [f"{NAMES.get(name, name)} ({others[name]:.{digits}f})" for name in sorted(others, key=others.__getitem__)]
    if not listed:
        return f"None has {what} than the default ({own:.{digits}f})."
    said = ", ".join(reversed(listed) if most else listed)
    return f"{what[0].upper()}{what[1:]} than the default ({own:.{digits}f}): {said}."


def network(runs: Sequence[Run], best: Best) -> Iterator[str]:
    """The primal integral with the network less that without, instance by instance."""
    for ours, theirs, what in (
        ("with-network", "no-network", "a search of all starts"),
        ("network", "guidance", "samples alone"),
    ):
        pairs = [integrals(of(runs, method), best) for method in (ours, theirs)]
        if all(pairs) and len(pairs[0]) == len(pairs[1]):
            yield f"The network changes the primal integral of {what} by {signed(np.subtract(*pairs))} s."


def signed(values: Sequence[float]) -> str:
    """A mean with its sign."""
    said = mean(values, 3)
    return said if said.startswith("-") else f"+{said}"
