"""A toy domain, installed as any third party's plugin is: a folder on the path with its metadata beside it."""

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # So that tests can import the files beside them.

from running import describe, environment_with, started

TOY = Path(__file__).parent / "toy"
Ran = tuple[int, str, str]
Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Folders on the path that hold the toy plugin and its metadata."""
    folder = tmp_path_factory.mktemp("site")
    describe(folder, "toy", "becalm_toy")
    paths = [str(TOY), str(folder)]
    sys.path[:0] = paths
    importlib.invalidate_caches()
    yield paths
    for path in paths:
        sys.path.remove(path)


@pytest.fixture
def becalm(plugins: list[str], becalm: Run) -> Run:
    """The command with the plugins of these tests."""
    return becalm


@pytest.fixture
def bring(plugins: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs one more distribution: its name, and the source of its modules by name, the plugin's first."""

    def install(name: str, **modules: str) -> None:
        folder = tmp_path / "site"
        describe(folder, name, next(iter(modules)))
        for module, source in modules.items():
            (folder / f"{module}.py").write_text(textwrap.dedent(source))
            monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(str(folder))

    return install


@pytest.fixture
def environment(plugins: list[str]) -> dict[str, str]:
    """The environment of a process of its own that has the toy plugin."""
    return environment_with(plugins)


@pytest.fixture
def process(environment: dict[str, str], tmp_path: Path) -> Callable[..., Popen[str]]:
    """Starts the command as a process of its own, in an empty folder."""

    def start(*words: object, code: str | None = None) -> Popen[str]:
        return started(words, tmp_path, environment, code=code)

    return start


@pytest.fixture
def trained(becalm: Run, tmp_path: Path) -> Path:
    """A toy model trained for a moment."""
    path = tmp_path / "toy.safetensors"
    code, _, err = becalm("toy", "train", "--steps", 5, "--device", "cpu", "--precision", "fp32", "--out", path)
    assert (code, err) == (0, "")
    return path
