"""What a command makes of its words: hints for other programs' words, one JSON document, streams that are closed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from becalm_apps.cli.document import key, plain
from becalm_apps.cli.process.streams import attach

Run = Callable[..., tuple[int, str, str]]
HINTS = {
    ("version",): "unknown command 'version'; did you mean becalm --version?",
    ("-V",): "unknown flag -V; did you mean --version?",
    ("--config", "a.toml", "toy", "sample"): "did you mean becalm toy sample --config ...?",
    ("--json", "toy", "train", "--steps", "3"): "did you mean becalm toy train --json ...?",
    ("plugins", "--json", "new", "x"): "--json before new does nothing: leave it out",
    ("toy", "sample", "--checkpoint", "someone/moons"): "on the hub it is hf:someone/moons",
    ("export",): "CHECKPOINT is missing: see becalm export --help",
    ("export", "mnist"): "--out is missing: see becalm export --help",
    ("export", "mnist", "--out"): "--out needs a value",
    ("doctor", "twice"): "becalm doctor takes no further words, got 'twice'",
    ("completion", "bash", "--quiet=1"): "unknown flag --quiet",
}


@pytest.mark.parametrize("words", HINTS, ids=" ".join)
def test_words_that_are_not_ours_are_answered_by_those_that_are(words: tuple[str, ...], becalm: Run) -> None:
    code, _, err = becalm(*words)
    assert code == 2 and HINTS[words] in err and err.count("\n") == 1


def test_an_error_is_a_document_too_and_a_sentence_for_people(becalm: Run) -> None:
    code, out, err = becalm("toy", "sample", "--json", "--checkpoint", "nosuch")
    assert code == 2 and out.count("\n") == 1
    said = json.loads(out)
    assert said["exit_code"] == 2 and err == f"becalm: {said['error']}\n"


def test_whatever_is_asked_for_a_document_is_one_object_on_one_line(becalm: Run) -> None:
    for words in (("plugins",), ("doctor",), ("toy", "weigh", "stone", "ab"), ("images", "sample", "--nosuch")):
        out = becalm(*words, "--json")[1]
        assert out.count("\n") == 1 and isinstance(json.loads(out), dict)
    assert becalm("toy", "sample", "--json", "--help")[1].startswith("Usage: ")


def test_keys_have_no_spaces_and_numbers_are_those_of_json() -> None:
    assert key("mean return  (of 10)") == "mean_return_(of_10)"
    wild = {"a b": [float("nan"), {"c d": float("-inf")}], 3: (Path("x"), True, None)}
    assert plain(wild) == {"a_b": [None, {"c_d": None}], "3": ["x", True, None]}


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_a_stream_that_is_closed_is_nothing_to_speak_of(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, name, None)
    attach()
    stream = getattr(sys, name)
    assert not stream.isatty() and (stream.read() == "" if name == "stdin" else stream.write("x") == 1)
    stream.close()


def test_without_stdout_a_command_does_its_work(becalm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert becalm("plugins") == (0, "", "")
    sys.stdout.close()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("steps = '3'", "steps must be a valid integer, got '3'"),
        ("guidance = '1.5'", "guidance must be a valid number, got '1.5'"),
        ("count = true", "count must be a valid integer, got True"),
    ],
)
def test_text_in_a_file_is_no_number(line: str, says: str, becalm: Run) -> None:
    Path("a.toml").write_text(line)
    code, out, err = becalm("toy", "sample", "--config", "a.toml")
    assert (code, out) == (2, "") and f"a.toml: {says}" in err
