"""Samples of one seed in parts are those of one run to the bit: sample i is a function of (seed, i)."""

from typing import Any

import pytest
import torch
from toy import model

import becalm
from becalm_programs.families import generate
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling import sample

PARTS = ((0, 4), (4, 1), (5, 6))


@pytest.mark.parametrize("fields", [{}, {"sampler": "ddpm", "guidance": 2.0, "batch": 3}], ids=["plain", "guided"])
def test_parts_of_a_seed_are_one_run(fields: dict[str, Any]) -> None:
    of = model()
    whole = of.sample(count=11, seed=5, steps=4, **fields)
    parts = [of.sample(first=first, count=count, seed=5, steps=4, **fields) for first, count in PARTS]
    assert torch.equal(torch.cat([part.x0 for part in parts]), whole.x0)
    assert torch.equal(torch.cat([part.cond for part in parts]), whole.cond)


def test_parts_of_edits_are_one_run() -> None:
    of, data = model(), torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    fields: dict[str, Any] = {"seed": 2, "steps": 4, "sampler": "ddpm"}
    whole = [step.x for step in of.edit(data, start=0.5, count=5, **fields)][-1]
    part = [step.x for step in of.edit(data[2:], start=0.5, first=2, count=3, **fields)][-1]
    assert torch.equal(part, whole[2:])


def test_digits_take_labels_in_turn_from_their_numbers() -> None:
    of = becalm.load("mnist", "cpu")
    whole = of.sample(count=5, label=(3, 8), steps=2)
    part = of.sample(first=3, count=2, label=(3, 8), steps=2)
    assert whole.cond.tolist() == [3, 8, 3, 8, 3]
    assert torch.equal(part.cond, whole.cond[3:]) and torch.equal(part.x0, whole.x0[3:])


@pytest.mark.parametrize("tier", ["unguided", "guided"])
def test_parts_of_solutions_are_one_run(tier: str) -> None:
    of, form = becalm.load("set-cover", "cpu"), StandardForm.of(generate("set-cover", "tiny", 0))
    whole, part = (
        sample(of, form, ProgramRequest(first=first, count=count, steps=3, tier=tier))  # type: ignore[arg-type]
        for first, count in ((0, 11), (4, 7))
    )
    assert (part.marginals == whole.marginals[4:]).all() and (part.x == whole.x[4:]).all()
