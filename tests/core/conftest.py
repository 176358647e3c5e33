"""What the tests of core share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # So that tests can import the files beside them.


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny tensors gain nothing from threads, and a busy machine loses much."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def installed_toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the path in which the toy domain is installed, so that a file's name for it is found."""
    from toy import POINTS, install

    folder = tmp_path / "site"
    folder.mkdir()
    install(folder, "becalm_points", POINTS)
    monkeypatch.syspath_prepend(str(folder))
    return folder
