"""What every page that adds to becalm promises of its package."""

import ast
from pathlib import Path

import pytest
from package import Package, becalm, python

PAGES = ["add-a-process", "add-a-sampler", "add-an-objective"]
HEAVY = ("torch", "numpy")


def test_these_are_all_the_pages(packages: dict[str, Package]) -> None:
    assert list(packages) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_what_is_added_is_one_file_of_at_most_forty_lines(page: str, packages: dict[str, Package]) -> None:
    modules = {
        name: text for name, text in packages[page].files.items() if "/" in name and not name.endswith("__init__.py")
    }
    (text,) = modules.values()
    assert _lines(text) <= 40


@pytest.mark.parametrize("page", PAGES)
def test_becalm_finds_the_package_and_its_init_is_light(
    page: str, packages: dict[str, Package], tmp_path: Path
) -> None:
    package = packages[page]
    done = becalm("plugins", cwd=tmp_path, package=package)
    (line,) = [line for line in done.stdout.splitlines() if f"{package.name} 1.0" in line]
    assert line.split()[-1] == "ok", done.stdout
    name = package.name.replace("-", "_")
    done = python(
        "-c", f"import sys, {name}; print([m for m in {HEAVY} if m in sys.modules])", cwd=tmp_path, package=package
    )
    assert done.stdout == "[]\n", done.stderr


def _lines(text: str) -> int:
    """Lines without blank ones and docstrings."""
    filled = {number for number, line in enumerate(text.splitlines(), 1) if line.strip()}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            filled -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(filled)
