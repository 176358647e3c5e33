"""The commands that README and the documentation name exist, with the flags they show."""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from becalm_apps.main import command

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MADE = re.compile(r"(?:^ {4}|`)make ([a-z][a-z-]*)", re.MULTILINE)
LINE = re.compile(r"^ {4}(?:\.venv/bin/)?(becalm (?:[^\n]*\\\n)*[^\n]*)$", re.MULTILINE)
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z.-]*")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def lines() -> list[list[str]]:
    """The words of every becalm command that is shown, without redirections."""
    found = {
        " ".join(line.split("|")[0].split(">")[0].split("#")[0].replace("\\\n", " ").split())
        for page in PAGES
        for line in LINE.findall(text(page))
    }
    return [shlex.split(line) for line in sorted(found) if "..." not in line]


@cache
def usage(*nouns: str) -> str:
    done = CliRunner().invoke(command(), [*nouns, "--help"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    named = {target for page in PAGES for target in MADE.findall(text(page))}
    assert {"demo", "test"} <= named
    assert named <= targets


@pytest.mark.parametrize("words", lines(), ids=" ".join)
def test_every_flag_of_a_command_shown_is_in_its_help(words: list[str]) -> None:
    nouns = []
    for word in words[1:]:
        if word.startswith("-"):
            break
        nouns.append(word)
    known = set(FLAG.findall(usage(*nouns)))
    if "--" in words:  # What follows is another command's, as those of a training after distil.
        words, others = words[: words.index("--")], words[words.index("--") + 1 :]
        assert {word for word in others if word.startswith("--")} <= set(FLAG.findall(usage("images", "train")))
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known | {"--help", "--version"}


def test_every_flag_named_in_the_text_of_the_readme_is_in_some_help() -> None:
    verbs = [
        ("images", "edit"),
        *((noun, verb) for noun in ("images", "programs") for verb in ("sample", "train", "evaluate")),
    ]
    known = {flag for nouns in [(), ("plugins",), *verbs] for flag in FLAG.findall(usage(*nouns))}
    assert set(re.findall(r"`(--[a-z][a-z.-]*)", text(ROOT / "README.md"))) <= known


def test_continuous_integration_calls_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    called = script.read_text(encoding="utf-8").splitlines()
    assert "make test" in called
    assert "set -euo pipefail" in called
    assert re.search(r"^ {4}make test\b", text(ROOT / "README.md"), re.MULTILINE)
