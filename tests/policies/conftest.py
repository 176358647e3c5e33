"""What the tests of policies share."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # So that tests can import the files beside them.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

from pushing import pushing

Ran = tuple[int, str, str]
Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny tensors gain nothing from threads, and a busy machine loses much."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def demonstrations(tmp_path: Path) -> Path:
    """A store of a few short episodes like Push-T's."""
    path = tmp_path / "demonstrations.npz"
    pushing().write(path)
    return path


@pytest.fixture
def minari_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Minari has its datasets."""
    root = tmp_path / "minari"
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    return root


@pytest.fixture
def becalm(becalm: Run) -> Run:
    """Runs ``becalm policies`` in this process, in an empty folder: exit code, stdout, stderr."""
    return lambda *words: becalm("policies", *words)
