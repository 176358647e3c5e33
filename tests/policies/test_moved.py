"""Modules under their names of 0.1."""

import importlib
import sys

import pytest

from becalm_policies import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_a_module_that_moved_is_found_under_its_old_name(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"{old} is now {MOVED[old]}"):
        module = importlib.import_module(old)
    assert module is importlib.import_module(MOVED[old])
