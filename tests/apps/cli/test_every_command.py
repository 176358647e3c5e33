"""Laws that hold for every command of becalm and its plugins, found by walking the whole command."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from whole_command import EVERY, GROUPS, LEAVES, VERBS, Words, context, examples, flags, name

from becalm.errors import UserError
from becalm_apps.cli.lazy_group import LazyGroup
from becalm_apps.cli.verb import Verb

Run = Callable[..., tuple[int, str, str]]
EIGHT = Path(__file__).parents[3] / "docs" / "images" / "eight.png"
NO_TABLE = {("completion",), ("plugins", "new"), ("studio",), ("runs", "open")}
"""Those that print no results: a script for a shell, where a folder is, and two servers."""


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
        if isinstance(group, LazyGroup):
            with pytest.raises(UserError, match=f"unknown command '{entry}x': known are .*; did you mean '{entry}'"):
                group.resolve_command(context(words), [f"{entry}x"])


@pytest.mark.parametrize("words", VERBS, ids=name)
def test_a_value_of_the_wrong_kind_is_one_sentence_that_names_the_flag(words: Words) -> None:
    form = VERBS[words].form
    numeric = [flag for flag in form.flags if flag.option.metavar in ("INT", "FLOAT")]
    chosen = [flag for flag in form.flags if re.fullmatch(r"[\w-]+(\|[\w-]+)+", str(flag.option.metavar))]
    for flag in [*numeric, *chosen]:
        if {"NAME", "TEXT"} & set(str(flag.option.metavar).split("|")):
            continue
        with pytest.raises(UserError) as raised:
            form.fill({flag: "no-such"}, {}, None)
        # What only another kind of network or schedule has is refused for that.
        said = str(raised.value)
        assert (
            re.search(rf"{re.escape(flag.shown)} (must be|is no setting of|is an option of)", said) and "\n" not in said
        )


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
