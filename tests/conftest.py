"""What the tests of several parts share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from becalm_apps.main import main

Ran = tuple[int, str, str]
Run = Callable[..., Ran]

# The many short trainings of the tests are not tracked; the tests of tracking ask for it.
os.environ["BECALM_TRACKING"] = "off"


@pytest.fixture
def becalm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BECALM_DEBUG", raising=False)

    def run(*words: object) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out, printed.err

    return run
