"""Small programs of kinds that people have, each a function of a seed, which tests and benchmarks sample at default
settings. All have solutions but some of ``mixed``.
"""

from collections.abc import Callable

from becalm_programs.families.everyday.choices import assignment, bin_packing, colouring, mixed, sudoku
from becalm_programs.families.everyday.plans import job_shop, lot_sizing, portfolio, tour, unit_commitment
from becalm_programs.problem.program import Program

KINDS: dict[str, Callable[[int], Program]] = {
    "mixed signs": mixed,
    "assignment": assignment,
    "bin packing": bin_packing,
    "colouring": colouring,
    "sudoku": sudoku,
    "job shop": job_shop,
    "tour": tour,
    "unit commitment": unit_commitment,
    "portfolio": portfolio,
    "lot sizing": lot_sizing,
}
"""By name."""
