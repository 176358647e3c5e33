"""Which bundled network fits a program: by what its rows are, not by what it is called.

    set-cover          every row: sum x >= 1; binary; no cost below 0
    independent-set    every row: sum x <= 1; binary; all gain the same
    auction            every row: sum x <= 1; binary; gains differ
    facility           customers' rows, capacity rows and gates, see ``becalm_programs.search.structure.facility``;
                       to open and to serve costs, and a customer's facilities differ: bin packing has the same rows

A network is not trusted far outside the sizes that it was trained on, nor used unasked if it is not worth its time.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from becalm.model.load import find
from becalm_programs.problem.program import Mask, Program
from becalm_programs.sampling.worth import worth_in
from becalm_programs.search.structure.facility import Facility, recognise
from becalm_programs.tier import Tier

NONE = "none"
"""As a checkpoint: guidance without a network."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers of variables that a network is used for."""

    low: int
    high: int


SIZES = {
    "set-cover": Range(20, 10_000),
    "auction": Range(10, 7_500),
    "facility": Range(10, 25_000),
    "independent-set": Range(10, 7_500),
}
"""From the smallest training instances to five times the paper's."""


def choose(program: Program, checkpoint: str | None, tier: Tier) -> tuple[str | None, str]:
    """The network to sample a program with, None for none; and why it.

    Args:
        checkpoint: Name or file of the one that is asked for, ``none``, or None for one that is worth its time.
    """
    if checkpoint is None:
        return worthwhile(program, tier)
    if checkpoint == NONE:
        return None, "guidance works without a network, as asked"
    return checkpoint, f"network {checkpoint}, as asked"


def worthwhile(program: Program, tier: Tier) -> tuple[str | None, str]:
    """The bundled checkpoint that fits a program and is worth its time at a tier; and why it, or why none."""
    name, reason = fitting(program)
    if name is None:
        return None, reason
    worth = worth_in(find(name), tier)
    if worth is None or worth.positive:
        return name, reason if worth is None else f"{reason}, {worth} better than without"
    return None, (
        f"{reason.partition(':')[0]}: in the same time, as good ones are found without the network for it, "
        f"whose gain is {worth}; --checkpoint {name} uses it"
    )


def fitting(program: Program, known: Collection[str] | None = None) -> tuple[str | None, str]:
    """The checkpoint that fits a program, and a sentence that says which and why, or why none does.

    Args:
        known: Names of the checkpoints there are; default: the plugin's own.
    """
    known = _bundled() if known is None else known
    family = family_of(program)
    if family is None:
        return None, "no bundled network is for a program of this structure: guidance works without a network"
    size, limits = len(program.cost), SIZES[family]
    called = _words(family)
    if family not in known:
        return None, f"this is {called}, for which no network is bundled: guidance works without a network"
    if not limits.low <= size <= limits.high:
        trained = f"{limits.low} to {limits.high} variables"
        return None, (
            f"this is {called}, but the network for it is meant for {trained}, not {size}: "
            "guidance works without a network"
        )
    return family, f"this is {called}: network {family}"


def family_of(program: Program) -> str | None:
    """The family that a program belongs to by its structure, or None."""
    if bool(program.binary.all()):
        if bool((program.cost >= 0).all()) and bool(_ones(program, cover=True).all()) and program.rows.nnz:
            return "set-cover"
        if bool((program.cost <= 0).all()) and bool(_ones(program, cover=False).all()) and program.rows.nnz:
            if not program.cost.any():
                return None  # Nothing is worth choosing.
            return "independent-set" if bool((program.cost == program.cost[0]).all()) else "auction"
    facility = recognise(program)
    return "facility" if facility is not None and _serving_costs(facility) else None


def _serving_costs(facility: Facility) -> bool:
    """Whether opening and serving cost, and it matters who serves."""
    cost, there = facility.program.cost, facility.pair >= 0
    least = np.where(there, cost[facility.pair], np.inf).min(axis=1)
    most = np.where(there, cost[facility.pair], -np.inf).max(axis=1)
    return bool((cost[facility.gate] > 0).all() and (least > 0).all() and (least < most).any())


def _ones(program: Program, *, cover: bool) -> Mask:
    """(m,) rows that say sum x >= 1 (or <= 1 if not ``cover``), with either sign; and empty ones."""
    rows = program.rows
    length = np.diff(rows.indptr)
    row = np.repeat(np.arange(len(length)), length)
    plain = np.bincount(row, weights=rows.data != 1, minlength=len(length)) == 0
    turned = np.bincount(row, weights=rows.data != -1, minlength=len(length)) == 0
    low, high = (program.row_low, program.row_high) if cover else (-program.row_high, -program.row_low)
    least = 1.0 if cover else -1.0
    straight = plain & (low == least) & (high == np.inf)
    back = turned & (high == -least) & (low == -np.inf)
    return np.asarray(straight | back | (length == 0))


def _words(family: str) -> str:
    return {
        "set-cover": "a set cover",
        "auction": "a combinatorial auction",
        "facility": "a facility location",
        "independent-set": "an independent set",
    }[family]


def _bundled() -> Collection[str]:
    from becalm.plugin.find import domain_ref

    return domain_ref("programs").pretrained
