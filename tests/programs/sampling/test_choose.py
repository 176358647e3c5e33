"""Which network fits a program is seen from its rows, and where none does, that is said."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from becalm_programs.families import FAMILIES, generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program, numbered
from becalm_programs.sampling.choose import SIZES, family_of, fitting

KNOWN = tuple(SIZES)


def shuffled(program: Program) -> Program:
    """The same under other names, in another order, with half of the rows written the other way round."""
    rng = np.random.default_rng(0)
    columns, rows = rng.permutation(len(program.cost)), rng.permutation(len(program.row_low))
    sign = np.where(rng.random(len(rows)) < 0.5, -1.0, 1.0)
    low, high = program.row_low[rows], program.row_high[rows]
    from scipy import sparse

    return from_arrays(
        (-program.cost if program.maximise else program.cost)[columns],
        sparse.diags_array(sign) @ program.rows[rows][:, columns],
        row_low=np.where(sign > 0, low, -high),
        row_high=np.where(sign > 0, high, -low),
        integer=program.integer[columns],
        maximise=program.maximise,
        names=numbered("v", len(columns)),
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", ["tiny", "small"])
def test_a_family_is_recognised_by_its_structure_and_others_are_not(family: str, size: str) -> None:
    program = generate(family, size, 1)
    expected = family if family in SIZES else None
    assert family_of(program) == family_of(shuffled(program)) == expected


@pytest.mark.parametrize("family", KNOWN)
def test_small_and_paper_sizes_are_within_what_networks_are_for(family: str) -> None:
    for size in ("small", "paper"):
        name, said = fitting(generate(family, size, 0), KNOWN)
        assert name == family and family in said


@pytest.mark.parametrize(
    "change",
    [
        {"cost": -1.0},
        {"row_low": 2.0},
        {"row_high": 5.0},
        {"high": 2.0},
        {"integer": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_set_cover_with_one_thing_changed_is_none(change: dict[str, Any]) -> None:
    program = generate("set-cover", "tiny", 0)
    (field, value), *_ = change.items()
    values = np.array(getattr(program, field))
    values[0] = value
    changed = replace(program, **{field: values})
    assert family_of(changed) is None
    name, said = fitting(changed, KNOWN)
    assert name is None and "no bundled network" in said and "without a network" in said


def test_a_program_far_beyond_the_training_sizes_gets_no_network() -> None:
    size = SIZES["set-cover"].high + 1
    name, said = fitting(from_arrays(np.ones(size), np.ones((1, size)), row_low=1), KNOWN)
    assert name is None and str(size) in said and "without a network" in said


def test_without_a_checkpoint_for_the_family_it_says_which_is_missing() -> None:
    name, said = fitting(generate("auction", "small", 0), ())
    assert name is None and "a combinatorial auction" in said and "without a network" in said


def test_a_program_without_rows_is_of_no_family() -> None:
    assert family_of(from_arrays([1, 2], np.zeros((0, 2)))) is None
    assert family_of(from_arrays([-1, -2], np.zeros((2, 2)))) is None


@pytest.mark.parametrize("change", ["opening is free", "serving is free", "all serve alike"])
def test_rows_of_a_facility_location_without_its_costs_are_none(change: str) -> None:
    """Bin packing has such rows, and the network makes it worse."""
    program = generate("facility", "tiny", 0)
    cost, gates = program.cost.copy(), np.array([name.startswith("y") for name in program.names])
    cost[gates if change == "opening is free" else ~gates] = 1.0 if change == "all serve alike" else 0.0
    assert family_of(program) == "facility" and family_of(replace(program, cost=cost)) is None
