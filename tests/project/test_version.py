"""The version stands in one place, and whatever names it is of that one."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from becalm.version import __version__

ROOT = Path(__file__).parents[2]


def test_the_package_takes_its_version_from_the_code_and_changes_begin_with_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "core/becalm/version.py"
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None and newest[1] == __version__


@pytest.mark.parametrize("name", ["docs/write-a-plugin.md", "apps/becalm_apps/new/template/pyproject.toml.txt"])
def test_a_plugin_that_is_written_today_goes_with_this_version(name: str) -> None:
    wanted = re.search(r'dependencies = \["becalm([^"]+)"\]', (ROOT / name).read_text(encoding="utf-8"))
    assert wanted is not None and SpecifierSet(wanted[1]).contains(__version__)
