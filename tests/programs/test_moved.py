"""Modules under their names of becalm_programs 0.1."""

import importlib

import pytest

from becalm_programs import MOVED


@pytest.mark.parametrize(("old", "new"), sorted(MOVED.items()))
@pytest.mark.filterwarnings("ignore:becalm_programs:DeprecationWarning")
def test_a_module_that_moved_is_found_under_its_old_name(old: str, new: str) -> None:
    assert importlib.import_module(old) is importlib.import_module(new)


@pytest.mark.filterwarnings("ignore:becalm_programs:DeprecationWarning")
@pytest.mark.parametrize(
    ("module", "name"),
    [("bounds", "related"), ("network", "shares"), ("sample", "remarks"), ("tiers", "finish"), ("uniform", "bare")],
)
def test_what_scripts_import_by_its_old_name_is_there(module: str, name: str) -> None:
    assert callable(getattr(importlib.import_module(f"becalm_programs.{module}"), name))
