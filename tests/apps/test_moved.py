"""Modules are found under the names of becalm 0.1, too."""

import importlib
import warnings

import pytest

from becalm_apps import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_a_module_is_found_under_its_old_name(old: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert importlib.import_module(old) is importlib.import_module(MOVED[old])
