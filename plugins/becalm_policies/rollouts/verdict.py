"""What a comparison comes to: a table of differences, and for each policy a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from becalm.plugin.report import Table
from becalm_policies.rollouts.estimates import LEVEL, Estimate
from becalm_policies.rollouts.paired import Difference, holm

MEASURES: Mapping[str, str] = {"success": "success rate", "best": "mean max reward", "total": "mean return"}
_COLUMNS = (
    "policy", "measure", "difference", "95 % from", "to", "p", "seen in 80 % from", "only first", "only it"
)  # fmt: skip


def difference_table(differences: Mapping[str, Sequence[Difference]], first: str) -> Table:
    """Differences from the first policy by policy and measure.

    ``p`` is McNemar's for successes, where a start has one episode, else of flipped signs. A true difference of ``seen
    in 80 % from`` is called by so many starts in 80 % of comparisons. ``only first`` and ``only it`` count the
    discordant starts.
    """
    rows: list[tuple[Any, ...]] = []
    for name, measures in differences.items():
        for each in measures:
            ends = (each.estimate.value, each.estimate.low, each.estimate.high)
            rows.append((name, MEASURES[each.measure], *ends, each.p, each.visible, *(each.discordant or (None, None))))
    return Table(_COLUMNS, tuple(rows), f"differences from {first}, start by start")


def verdicts(differences: Mapping[str, Sequence[Difference]], first: str, *, control: bool) -> Iterator[str]:
    """A sentence for each policy, by the first of its measures; several are corrected for being several (Holm 1979).

    Args:
        first: What the first policy is called. control: Whether the last one is the first policy again.
    """
    heads = {name: measures[0] for name, measures in differences.items()}
    rivals = list(heads)[: len(heads) - control]
    for name, p in zip(rivals, holm([heads[name].p for name in rivals]), strict=True):
        yield _verdict(first, name, heads[name], p)
    if control:
        each = heads[list(heads)[-1]]
        end = "so much is chance alone" if not each.called else "called, as one control in 20 is by chance alone"
        yield f"control: {first} under other noise: {_figures(each, each.p)}: {end}"


def _verdict(first: str, name: str, each: Difference, p: float) -> str:
    if p <= 1 - LEVEL + 1e-12:
        better, worse = (name, first) if each.estimate.value > 0 else (first, name)
        return f"{better} is better than {worse}: {_figures(each, p, up=better == name)}"
    unseen = (
        "so few starts call none"
        if each.discordant and each.visible >= 1
        else f"a true difference below {each.visible:.2g} goes unseen by these starts more than once in 5 comparisons"
    )
    return f"no difference called between {name} and {first}: {_figures(each, p)}; {unseen}"


def _figures(each: Difference, p: float, *, up: bool = True) -> str:
    """The figures, second against first; ``up`` false for first against second."""
    second, first = (each.second, each.first) if up else (each.first, each.second)
    estimate = each.estimate if up else Estimate(-each.estimate.value, -each.estimate.high, -each.estimate.low)
    return f"{MEASURES[each.measure]} {second:.4g} against {first:.4g}, difference {estimate}, p = {p:.2g}"
