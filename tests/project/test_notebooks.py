"""Notebooks and pictures of the documentation: they run top to bottom, and draw what stands in the pages."""

import importlib.util
import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
TIMES = re.compile(r"\d\.\d+ ?s\b|\d{2}:\d{2}|0x[0-9a-f]{6}")


def cells(path: Path) -> list[Any]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


def code(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code"]


def script(name: str) -> Any:
    """A script of the documentation as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stem(path: Path) -> str:
    return path.stem


def test_each_domain_has_one() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["images", "policies", "programs"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_the_cells_of_a_notebook_run_in_order(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("notebook")
    monkeypatch.setitem(sys.modules, "notebook", module)
    for number, source in enumerate(code(path), 1):
        exec(compile(source, f"{path.name}, cell {number}", "exec"), vars(module))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_a_notebook_runs_in_a_kernel_of_its_own_and_gives_what_it_shows(path: Path, tmp_path: Path) -> None:
    ran = script("run_notebooks").run(path, tmp_path)
    for cell, shown in zip(ran.cells, cells(path), strict=True):
        kinds = [output["output_type"] for output in cell.get("outputs", [])]
        assert kinds == [output["output_type"] for output in shown.get("outputs", [])]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_a_notebook_is_kept_small_and_says_nothing_of_its_run(path: Path) -> None:
    assert path.stat().st_size < 250_000
    for cell in cells(path):
        assert cell["metadata"] == {} and cell.get("execution_count") is None
        for output in cell.get("outputs", []):
            assert output["output_type"] in ("stream", "display_data", "execute_result")
            assert output.get("name") != "stderr" and not TIMES.search("".join(output.get("text", "")))
    assert any("outputs" in cell and cell["outputs"] for cell in cells(path)), "make notebooks keeps what they draw"


def test_the_pictures_of_the_ideas_are_drawn_by_the_command_named_below_them(tmp_path: Path) -> None:
    page = (DOCS / "ideas.md").read_text(encoding="utf-8")
    shown = re.findall(r"images/idea-(\w+)\.png\)\n\n    python docs/pictures\.py (\w+)$", page, re.MULTILINE)
    names = [picture for picture, _ in shown]
    assert names == [command for _, command in shown]
    assert len(names) == page.count("images/idea-") == len(set(names))
    script("pictures").main(["--out", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"idea-{name}.png" for name in names)
    for name in names:
        with Image.open(tmp_path / f"idea-{name}.png") as drawn, Image.open(DOCS / f"images/idea-{name}.png") as kept:
            assert drawn.size == kept.size
            assert len(drawn.convert("RGB").getcolors(1 << 20) or []) > 2
