"""What the documentation shows is what happens: its Python runs, its links lead somewhere, its sources are listed."""

import re
import sys
import types
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HIDDEN = {"_build", ".ipynb_checkpoints"}
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CITED = re.compile(r"\b([A-Z][\w-]+(?: and [A-Z][\w-]+| et al\.)?),? \(?((?:19|20)\d\d[a-z]?)\b")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def plain(text: str) -> str:
    """The text without accents, on one line."""
    decomposed = unicodedata.normalize("NFKD", " ".join(text.split()))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@pytest.mark.parametrize("page", [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))], ids=name)
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    module = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    for block in BLOCK.finditer(text):
        lines_above = text.count("\n", 0, block.start(1))
        exec(compile("\n" * lines_above + block[1], str(page), "exec"), vars(module))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_to_files(page: Path) -> None:
    targets = [
        target.partition("#")[0] for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target
    ]
    missing = [target for target in targets if target and not (page.parent / target).exists()]
    assert not missing


def test_every_source_cited_in_code_and_pages_is_listed_once() -> None:
    listed = re.findall(
        r"^\*\*(.+? \d{4}[a-z]?)\*\*", (ROOT / "docs" / "references.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(listed) == len(set(listed))
    known = {plain(entry) for entry in listed}
    code = [path for folder in ("core", "plugins", "apps") for path in (ROOT / folder).rglob("*.py")]
    months = "January|February|March|April|May|June|July|August|September|October|November|December|Copyright"
    cited = {
        f"{author} {year}": name(path)
        for path in [*code, *(page for page in PAGES if page.name != "references.md")]
        for author, year in CITED.findall(plain(path.read_text(encoding="utf-8")))
        if not re.fullmatch(months, author)
    }
    assert {source: place for source, place in cited.items() if source not in known} == {}


def test_every_room_of_the_core_is_in_the_plan_and_says_what_it_is() -> None:
    """A new module or room gets a row of the table in docs/architecture.md."""
    core = ROOT / "core" / "becalm"
    rooms = {path.stem for path in core.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    plan = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [room for room in sorted(rooms - {"__init__", "version"}) if f"`{room}`" not in plan] == []
    for init in core.rglob("__init__.py"):
        assert init.read_text(encoding="utf-8").startswith('"""'), init


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```$", index, re.MULTILINE | re.DOTALL)
    entries = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    kinds = (".md", ".ipynb")
    reached = {path for entry in entries for kind in kinds for path in (ROOT / "docs").glob(f"{entry}{kind}")}
    pages = {path for kind in kinds for path in (ROOT / "docs").rglob(f"*{kind}") if not HIDDEN & set(path.parts)}
    assert pages - reached == {ROOT / "docs" / "index.md"}
