"""The page on systems promises nothing that is not there: each row's import or command, page, test and figure exist."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from becalm_apps.main import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (DOCS / "systems.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| system")
]


def code(cell: str) -> str:
    return cell.strip("`")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_what_a_row_names_exists(row: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    _, _, run, page, test, figure = row
    if run.startswith("`becalm "):
        with pytest.raises(SystemExit) as ended:
            main([*code(run).split()[1:], "--help"])
        assert ended.value.code in (0, None)
        assert "Usage" in capsys.readouterr().out
    else:
        module, _, name = code(run).partition(":")
        assert hasattr(importlib.import_module(module), name)
    file, _, function = code(test).partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for cell in (page, figure):
        [target] = re.findall(r"\]\(([^)]+)\)", cell)
        assert (DOCS / target).exists()


def test_there_are_rows() -> None:
    assert len(ROWS) > 20
