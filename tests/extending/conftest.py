"""The packages of the pages that say how to add to becalm, each written to a folder as pip would install it."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # So that tests can import the files beside them.

from package import Package, write

HOWTO = Path(__file__).parents[2] / "docs" / "howto"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Package]:
    """The package of each page, by the page's name."""
    pages = sorted(HOWTO.glob("add-*.md"))
    return {page.stem: write(page, tmp_path_factory.mktemp(page.stem)) for page in pages}


@pytest.fixture
def module(packages: dict[str, Package], monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], ModuleType]:
    """Imports a module of a page's package into this process."""

    def imported(page: str, name: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(packages[page].folder))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return imported
