"""What a person at a terminal gets: colours where they are wanted, and on Ctrl-C one sentence on how to go on."""

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from whole_command import OWN, VERBS, flags

Run = Callable[..., tuple[int, str, str]]


def seen(words: list[str], environment: dict[str, str], folder: Path) -> bytes:
    """What a terminal gets on stdout and stderr."""
    keyboard, screen = pty.openpty()
    program = [sys.executable, "-m", "becalm_apps.main", *words]
    with subprocess.Popen(program, env=environment, cwd=folder, stdout=screen, stderr=screen) as running:
        os.close(screen)
        parts = []
        while True:
            try:
                parts.append(os.read(keyboard, 4096))
            except OSError:  # The terminal's other end is closed.
                break
        assert running.wait(60) == 0
    os.close(keyboard)
    return b"".join(parts)


STYLE = re.compile(rb"\x1b\[[0-9;]*[1-9][0-9;]*m")


@pytest.mark.parametrize("words", [["plugins"], ["toy", "weigh", "stone", "ab", "--waits", "3"]], ids=" ".join)
def test_colours_are_for_terminals_and_not_where_none_are_wanted(
    words: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    env = {key: value for key, value in environment.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    env |= {"TERM": "xterm-256color", "COLUMNS": "100"}
    assert STYLE.search(seen(words, env, tmp_path))
    assert not STYLE.search(seen(words, {**env, "NO_COLOR": "1"}, tmp_path))
    program = [sys.executable, "-m", "becalm_apps.main", *words]
    piped = subprocess.run(program, env=env, cwd=tmp_path, capture_output=True, timeout=60, check=True)
    assert b"\x1b" not in piped.stdout + piped.stderr and piped.stdout


# Ctrl-C


def test_ctrl_c_while_sampling_writes_nothing_and_says_so(
    becalm: Run, interrupt: Callable[[Callable[[], bool]], None], tmp_path: Path
) -> None:
    begun = time.monotonic()
    interrupt(lambda: time.monotonic() - begun > 2)
    words = ["images", "sample", "--count", 1, "--steps", 100_000, "--spacing", "linspace", "--sampler", "ddim"]
    assert becalm(*words) == (130, "", "becalm: stopped; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_resumed_says_so_on_ctrl_c() -> None:
    resumable = {entry.name for plugin in OWN for entry in plugin.commands if ("--resume" in entry.again)}
    assert resumable == {words[1] for words in VERBS if "--resume" in flags(words) and words[1] != "train"}


ANEW = """
    from becalm.plugin.hooks import CommandRef, hookimpl

    @hookimpl
    def commands():
        weigh = ("becalm_toy.request:WeighOptions", "becalm_toy.verbs:weigh")
        return [CommandRef("toy", "reweigh", "Weigh again.", *weigh, again="the same command goes on")]
"""


def test_ctrl_c_says_how_to_go_on(
    becalm: Run, bring: Callable[..., None], interrupt: Callable[[Callable[[], bool]], None], tmp_path: Path
) -> None:
    bring("anew", becalm_anew=ANEW)
    interrupt((tmp_path / "begun").exists)
    code, _, err = becalm("toy", "reweigh", "stone", "--waits", 2000)
    assert (code, err) == (130, "becalm: stopped; the same command goes on\n")
