"""Laws that hold for every command of becalm and its plugins, found by walking the whole command."""

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from becalm.errors import UserError
from becalm.plugins import installed
from becalm_apps.main import command
from becalm_apps.nouns import Nouns
from becalm_apps.verb import Verb

Run = Callable[..., tuple[int, str, str]]
Words = tuple[str, ...]

EIGHT = Path(__file__).parents[2] / "docs" / "images" / "eight.png"
OWN = [plugin for plugin in installed() if plugin.distribution == "becalm"]
ROOT = command(OWN)
NO_TABLE = {("completion",), ("plugins", "new"), ("studio",), ("runs", "open")}
"""Those that print no results: a script for a shell, where a folder is, and two servers."""


def walk(group: click.Group, above: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    yield above, group
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from walk(found, (*above, name))
        else:
            yield (*above, name), found


EVERY = dict(walk(ROOT))
LEAVES = {words: found for words, found in EVERY.items() if not isinstance(found, click.Group)}
GROUPS = {words: found for words, found in EVERY.items() if isinstance(found, click.Group)}
VERBS = {words: found for words, found in LEAVES.items() if isinstance(found, Verb)}


def name(words: Words) -> str:
    return " ".join(words) or "becalm"


def context(words: Words) -> click.Context:
    """The context of a command, below those of its groups."""
    made = click.Context(ROOT, info_name="becalm", **ROOT.context_settings)
    for depth, word in enumerate(words, 1):
        found = EVERY[words[:depth]]
        made = click.Context(found, info_name=word, parent=made, **found.context_settings)
    return made


def flags(words: Words) -> list[str]:
    params = LEAVES[words].get_params(context(words))
    return [
        flag
        for param in params
        if isinstance(param, click.Option)
        for flag in (*param.opts, *param.secondary_opts)
        if flag.startswith("--")
    ]


def examples(words: Words) -> list[str]:
    _, _, end = EVERY[words].get_help(context(words)).partition("Examples:\n")
    return [line.strip() for line in end.splitlines() if line.strip()]


def test_the_walk_finds_what_there_is() -> None:
    shared = {(noun, verb) for noun in ("images", "policies", "programs") for verb in ("sample", "train", "evaluate")}
    assert shared | {("images", "edit"), ("programs", "solve"), ("policies", "record"), ("doctor",)} <= set(LEAVES)


# Help


@pytest.mark.parametrize("words", EVERY, ids=name)
def test_help_says_what_it_does_shows_examples_and_explains_every_flag(words: Words) -> None:
    found, made = EVERY[words], context(words)
    text = found.get_help(made)
    assert text.startswith(f"Usage: {' '.join(('becalm', *words))} ")
    assert found.get_short_help_str(200).endswith(".")
    assert all(line.startswith("becalm ") for line in examples(words)) and examples(words)
    records = [param.get_help_record(made) for param in found.get_params(made) if isinstance(param, click.Option)]
    assert [record[0] for record in records if record is not None and not record[1].strip()] == []
    assert max(len(line) for line in text.splitlines() if "becalm " not in line) <= 100


@pytest.mark.parametrize("words", EVERY, ids=name)
def test_every_example_is_a_valid_command(
    words: Words, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in examples(words):
        program, _, file = re.sub(">>", ">", line).partition(" > ")
        path, rest = split(shlex.split(program)[1:])
        assert path[: len(words)] == words, "an example shows the command it stands under"
        found = EVERY[path]
        settings = isinstance(found, Verb) and "--help" not in rest
        more = ["--print-config"] if settings and "--print-config" not in rest else []
        try:
            with found.make_context((*path, "becalm")[-1], [*rest, *more], context(path).parent) as made:
                if settings:
                    found.invoke(made)
        except click.exceptions.Exit as ended:
            assert ended.exit_code == 0
        printed = capsys.readouterr().out
        if file and settings:
            Path(file).write_text(printed)


def split(rest: list[str]) -> tuple[Words, list[str]]:
    """The command that words name, and what is left of them."""
    path: Words = ()
    while rest and (*path, rest[0]) in EVERY:
        path, rest = (*path, rest[0]), rest[1:]
    return path, rest


@pytest.mark.parametrize("words", GROUPS, ids=name)
def test_a_group_lists_all_its_commands_under_titles(words: Words) -> None:
    group, text = GROUPS[words], EVERY[words].get_help(context(words))
    for entry in group.list_commands(context(words)):
        assert re.search(rf"^  {entry} +\S", text, re.MULTILINE)


def test_the_whole_command_stands_under_titles_and_nothing_is_called_twice(becalm: Run) -> None:
    out = becalm("-h")[1]
    assert re.search(r"^Domains:$", out, re.MULTILINE) and re.search(r"^Setup:$", out, re.MULTILINE)
    assert out.index("Domains:") < out.index("Setup:")
    assert all(out.count(f"\n  {words[0]} ") == 1 for words in EVERY if len(words) == 1)


# Bad input


@pytest.mark.parametrize("words", LEAVES, ids=name)
def test_a_misspelt_flag_is_answered_by_the_one_that_was_meant(words: Words, becalm: Run) -> None:
    known = flags(words)
    for flag in known:
        wrong = f"{flag[:-1]}{flag[-1]}{flag[-1]}"
        with pytest.raises(click.NoSuchOption) as raised:
            LEAVES[words].make_context(words[-1], [wrong], context(words).parent)
        assert flag in (raised.value.possibilities or [])
    code, out, err = becalm(*words, "--helpp")
    assert (code, out, err) == (2, "", "becalm: unknown flag --helpp; did you mean --help?\n")


@pytest.mark.parametrize("words", GROUPS, ids=name)
def test_a_misspelt_command_is_answered_by_the_one_that_was_meant(words: Words) -> None:
    group = GROUPS[words]
    for entry in group.list_commands(context(words)):
        if isinstance(group, Nouns):
            with pytest.raises(UserError, match=f"unknown command '{entry}x': known are .*; did you mean '{entry}'"):
                group.resolve_command(context(words), [f"{entry}x"])


@pytest.mark.parametrize("words", VERBS, ids=name)
def test_a_value_of_the_wrong_kind_is_one_sentence_that_names_the_flag(words: Words) -> None:
    form = VERBS[words].form
    numeric = [flag for flag in form.flags if flag.option.metavar in ("INT", "FLOAT")]
    chosen = [flag for flag in form.flags if re.fullmatch(r"[\w-]+(\|[\w-]+)+", str(flag.option.metavar))]
    for flag in [*numeric, *chosen]:
        if "NAME" in str(flag.option.metavar):
            continue
        with pytest.raises(UserError) as raised:
            form.fill({flag: "no-such"}, {}, None)
        # What only another kind of network or schedule has is refused for that.
        said = str(raised.value)
        assert re.search(rf"{re.escape(flag.shown)} (must be|is no setting of)", said) and "\n" not in said


# Machines


@pytest.mark.parametrize("words", [words for words in LEAVES if words not in NO_TABLE], ids=name)
def test_results_come_as_json_where_asked_for(words: Words) -> None:
    assert "--json" in flags(words)


@pytest.mark.parametrize("words", VERBS, ids=name)
def test_what_takes_a_while_can_be_quiet(words: Words) -> None:
    assert "--quiet" in flags(words)


@pytest.mark.parametrize(
    "words",
    [
        ["plugins"],
        ["doctor"],
        ["images", "sample", "--count", 1, "--steps", 1],
        ["images", "evaluate", "--count", 10, "--steps", 1],
        ["images", "edit", "--image", EIGHT, "--mask", "top", "--count", 1, "--steps", 1],
        ["policies", "sample", "--count", 1],
        ["programs", "generate", "--size", "tiny", "--count", 1, "--out", "tiny"],
    ],
    ids=lambda words: " ".join(map(str, words[:2])),
)
def test_with_json_stdout_is_one_json_document_and_stderr_is_empty(words: list[object], becalm: Run) -> None:
    code, out, err = becalm(*words, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)


def test_a_training_that_is_done_says_so_as_json(becalm: Run, trained: Path) -> None:
    code, out, err = becalm("toy", "train", "--resume", "--out", trained, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"out": str(trained), "steps": 5, "done": True}


# Colours


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


# Completion


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
        COMP_WORDS=(becalm images sample --samp); COMP_CWORD=3
        _becalm_completion becalm
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    env = {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["--sampler"], done.stderr


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
    from becalm.hooks import CommandRef, hookimpl

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
