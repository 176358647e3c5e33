"""What is handed over says nothing of the machine it was written on."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Written in parts, so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.\-/])/(?:" + "|".join(["work", "root", "home", "Users", "mnt", "opt"]) + r")/\w")
INDEX = re.compile(
    "|".join(
        ["download" + r"\.pytorch\.org", "pypi" + r"\.org/simple", "--(?:extra-)?index" + "-url", "find" + "-links"]
    )
)
LOCAL_VERSION = re.compile(r"\d\+" + r"(?:cpu|cu\d+)\b")


def files() -> list[Path]:
    """Tracked files, and those about to be."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, INDEX, LOCAL_VERSION], ids=["paths", "package indexes", "local versions"]
)
def test_no_file_names_the_machine_it_was_written_on(pattern: re.Pattern[str]) -> None:
    found: list[str] = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # A picture or a checkpoint.
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert not found


def test_no_source_file_holds_two_ideas() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for folder in ("core", "plugins", "apps", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 300
    ]
    assert not long
