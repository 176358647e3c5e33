"""A shell completes every command, every flag, and the values that a flag takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from whole_command import EVERY, GROUPS, ROOT, Words, context, flags, name


@pytest.mark.parametrize("words", EVERY, ids=name)
def test_completion_offers_every_command_and_every_flag(words: Words) -> None:
    complete = ShellComplete(ROOT, {}, "becalm", "_BECALM_COMPLETE")
    if words in GROUPS:
        offered = {item.value for item in complete.get_completions(list(words), "")}
        assert offered == set(GROUPS[words].list_commands(context(words)))
    else:
        assert set(flags(words)) <= {item.value for item in complete.get_completions(list(words), "--")}


@pytest.mark.parametrize(
    ("words", "begun", "kind"),
    [
        (["images", "sample", "--checkpoint"], "mn", "plain"),
        (["images", "sample", "--checkpoint"], "runs/a", "file"),
        (["programs", "label"], "cov", "file"),
        (["images", "train", "--data"], "", "file"),
        (["policies", "evaluate", "--protocol"], "ch", "plain"),
    ],
)
def test_completion_offers_words_or_files(words: list[str], begun: str, kind: str) -> None:
    offered = ShellComplete(ROOT, {}, "becalm", "_BECALM_COMPLETE").get_completions(words, begun)
    assert {item.type for item in offered} == {kind}
    assert all(item.value.startswith(begun) for item in offered)


def test_bash_completes_with_the_script_that_is_printed(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    launcher = folder / "becalm"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m becalm_apps.main "$@"\n')
    launcher.chmod(0o755)
    script = """
        source <(becalm completion bash)
        COMP_WORDS=(becalm images sample --spac); COMP_CWORD=3
        _becalm_completion becalm
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    env = {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["--spacing"], done.stderr
