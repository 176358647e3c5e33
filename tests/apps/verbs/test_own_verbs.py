"""Verbs that plugins bring: words without flags, lines, tables and progress, JSON, Ctrl-C, and whose name stands."""

import json
import os
import pty
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any, ClassVar

import pytest

from becalm.domain import Domain
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.plugin.report import Table
from becalm.train.plan import with_defaults
from becalm_apps.cli.show import cell

Run = Callable[..., tuple[int, str, str]]


# Words without flags


def test_help_shows_the_words_and_what_they_are(becalm: Run) -> None:
    code, out, _ = becalm("toy", "weigh", "--help")
    assert code == 0
    assert "weigh [OPTIONS] THING [PARTS]..." in out
    _, _, arguments = out.partition("Arguments:")
    assert "THING" in arguments and "What to weigh." in arguments and "Its parts." in arguments
    assert "--thing" not in out and "--waits" in out


def test_words_fill_their_fields_in_order(becalm: Run) -> None:
    code, out, err = becalm("toy", "weigh", "stone", "chip", "--waits", 1, "a", "--print-config")
    assert (code, err) == (0, "")
    assert out == 'domain = "toy"\nthing = "stone"\nparts = ["chip", "a"]\nwaits = 1\n'


def test_a_file_may_hold_what_has_no_flag(becalm: Run, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('thing = "feather"\nparts = ["x"]')
    assert becalm("toy", "weigh", "--config", "a.toml")[1].startswith("begun feather\n")
    out = becalm("toy", "weigh", "stone", "--config", "a.toml", "--print-config")[1]
    assert 'thing = "stone"' in out and 'parts = ["x"]' in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "THING is missing"),
        (["x"], "THING must be"),
        (["stone", "--thing", "x"], "unknown flag --thing"),
        (["stone", "--waits", "x"], "--waits must be a valid integer, got 'x'"),
    ],
)
def test_a_wrong_word_is_one_sentence_that_names_it(words: list[str], says: str, becalm: Run) -> None:
    code, out, err = becalm("toy", "weigh", *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"becalm: {says}") and err.count("\n") == 1


# What they print

TABLE = """\
begun stone
Weights
part  weight  unit  heavy
ab    2             no
all   nan     kg    yes
done
"""


@pytest.mark.parametrize("flags", [[], ["--quiet"]])
def test_lines_and_tables_go_to_stdout_as_they_come(flags: list[str], becalm: Run) -> None:
    assert becalm("toy", "weigh", "stone", "ab", "--waits", 2, *flags) == (0, TABLE, "")


def test_json_is_one_object_of_lines_and_tables(becalm: Run) -> None:
    code, out, err = becalm("toy", "weigh", "stone", "ab", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    rows = [
        {"part": "ab", "weight": 2.0, "unit": None, "heavy": False},
        {"part": "all", "weight": None, "unit": "kg", "heavy": True},
    ]
    table = {"title": "Weights", "columns": ["part", "weight", "unit", "heavy"], "rows": rows}
    assert json.loads(out) == {"lines": ["begun stone", "done"], "tables": [table]}


@pytest.mark.parametrize(
    ("columns", "rows", "says"),
    [(("a", "a"), (), "must have different names, got a, a"), (("a", "b"), ((1,),), "must have 2 cells")],
)
def test_a_table_whose_rows_do_not_fit_is_refused(columns: tuple[str, ...], rows: tuple[tuple[int]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Table(columns, rows)


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (True, "yes"), (3, "3"), (0.123456, "0.1235"), (12345.6, "12346"), ("x", "x")]
)
def test_a_cell_reads_well(value: object, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize("flags", [[], ["--quiet"], ["--json"]])
def test_progress_is_a_bar_on_a_terminal_and_stdout_stays_clean(
    flags: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    keyboard, screen = pty.openpty()
    words = [sys.executable, "-m", "becalm_apps.main", "toy", "weigh", "stone", "ab", "--waits", "8", *flags]
    env = {**environment, "TERM": "xterm", "COLUMNS": "100"}
    with Popen(words, env=env, cwd=tmp_path, stdout=-1, stderr=screen, text=True) as running:
        os.close(screen)
        seen = b""
        while True:
            try:
                part = os.read(keyboard, 4096)
            except OSError:  # The terminal's other end is closed.
                break
            if not part:
                break
            seen += part
        assert running.stdout is not None
        out = running.stdout.read()
    os.close(keyboard)
    assert running.returncode == 0
    if "--json" in flags:
        assert json.loads(out)["lines"] == ["begun stone", "done"]
    else:
        assert out == TABLE
    assert (b"weigh" in seen and b"8/8" in seen and b"left" in seen) == ("--quiet" not in flags)


# Ctrl-C


def test_ctrl_c_closes_the_verb_and_says_one_line(
    becalm: Run, interrupt: Callable[[Callable[[], bool]], None], tmp_path: Path
) -> None:
    interrupt((tmp_path / "begun").exists)
    assert becalm("toy", "weigh", "stone", "--waits", 2000) == (130, "begun stone\n", "becalm: stopped\n")
    assert (tmp_path / "closed").read_text() == "stone"


def test_a_reader_that_goes_closes_the_verb(becalm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device", "stdout")

    monkeypatch.setattr("click.echo", gone)
    code, _, err = becalm("toy", "weigh", "stone")
    assert (code, err) == (2, "becalm: stdout: No space left on device\n")
    assert (tmp_path / "closed").read_text() == "stone"


# Whose name stands

STRANGER = """
    from becalm.plugin.hooks import CommandRef, DomainRef, hookimpl

    @hookimpl
    def domains():
        return [DomainRef(name="stone", summary="Stones.", target="becalm_toy.domain:Toy")]

    @hookimpl
    def commands():
        verb = ("becalm_toy.request:CountOptions", "becalm_toy.verbs:count")
        return [
            CommandRef("stone", "evaluate", "Count stones.", *verb),
            CommandRef("toy", "evaluate", "Take the toy's place.", *verb),
            CommandRef("toy", "count", "Take the toy's own place.", *verb),
            CommandRef("toy", "stones", "Count stones too.", *verb),
        ]
"""


@pytest.fixture
def stranger(bring: Callable[..., None]) -> None:
    """A second distribution, which brings a domain with verbs, and verbs for the toy's."""
    bring("stone", becalm_stone=STRANGER)


@pytest.mark.usefixtures("stranger")
def test_a_plugins_verb_stands_in_place_of_a_shared_one_in_its_own_domain(becalm: Run) -> None:
    assert becalm("stone", "evaluate", "--to", 2) == (0, "1\n2\n", "")
    out = becalm("stone", "--help")[1]
    assert out.count("evaluate") == 1 and "Count stones." in out


@pytest.mark.usefixtures("stranger")
def test_a_stranger_takes_no_verb_away_but_may_add_one(becalm: Run) -> None:
    out = becalm("toy", "--help")[1]
    assert "place" not in out and "Count to a number." in out and "Judge a model by its samples." in out
    assert becalm("toy", "stones", "--to", 1) == (0, "1\n", "")


# A domain's own defaults

SETTLED = """
    from typing import Any, ClassVar
    from becalm_toy.domain import Toy

    class Stones(Toy):
        name: ClassVar[str] = "stone"
        defaults: ClassVar[dict[str, Any]] = {
            "schedule": {"kind": "linear", "last": 0.05},
            "objective": {"prediction": "x0", "times": {"kind": "log_normal", "mean": -0.5}},
            "training": {"rate": 3e-4, "steps": 7, "precision": "fp32"},
        }
"""


@pytest.fixture
def stones(bring: Callable[..., None]) -> None:
    """A domain with defaults of its own."""
    plugin = STRANGER.replace("becalm_toy.domain:Toy", "becalm_stone_domain:Stones")
    bring("stone", becalm_stone=plugin, becalm_stone_domain=SETTLED)


def printed(becalm: Run, *words: object) -> dict[str, dict[str, object]]:
    code, out, err = becalm("stone", "train", *words, "--print-config")
    assert (code, err) == (0, "")
    return tomllib.loads(out)


@pytest.mark.usefixtures("stones")
def test_a_domains_defaults_stand_where_nothing_is_said(becalm: Run, tmp_path: Path) -> None:
    plan = printed(becalm)
    assert plan["schedule"]["kind"] == "linear" and plan["schedule"]["last"] == 0.05
    assert plan["objective"]["levels"] == {"kind": "log_normal", "mean": -0.5, "std": 1.2}
    assert (plan["training"]["rate"], plan["training"]["steps"], plan["training"]["warmup"]) == (3e-4, 7, 200)
    (tmp_path / "a.toml").write_text("[training]\nsteps = 3\n[objective]\ndrop = 0.0")
    assert printed(becalm, "--config", "a.toml")["training"]["rate"] == 3e-4
    mixed = printed(becalm, "--config", "a.toml", "--times.std", 2, "--rate", 1e-3)
    assert mixed["objective"]["levels"] == {"kind": "log_normal", "mean": -0.5, "std": 2.0}
    assert (mixed["objective"]["drop"], mixed["training"]["rate"], mixed["training"]["steps"]) == (0.0, 1e-3, 3)
    assert printed(becalm, "--schedule", "flow")["schedule"] == {"kind": "flow"}


@pytest.mark.usefixtures("stones")
def test_help_names_a_domains_defaults(becalm: Run) -> None:
    text = " ".join(becalm("stone", "train", "--help")[1].split())
    assert "--steps INT Optimiser steps; no limit where only minutes are given. [default: 7; x>=1]" in text
    assert "[default: linear]" in text and "[default: x0]" in text and "[default: log_normal]" in text
    assert "linear: Last beta. [default: 0.05; 0<x<1]" in text


@pytest.mark.usefixtures("stones")
def test_a_training_by_a_domains_defaults_is_resumed_as_any_other(becalm: Run, tmp_path: Path) -> None:
    from becalm_stone_domain import Stones  # type: ignore[import-not-found]

    from becalm.train.plan import with_defaults

    flags = ["--device", "cpu", "--out", "a.safetensors"]
    assert becalm("stone", "train", *flags)[0] == 0
    config = Checkpoint.read(tmp_path / "a.safetensors").config
    schedule, objective, training = with_defaults(Stones)
    assert config["schedule"] == schedule.model_dump(mode="json")
    assert config["objective"] == objective.model_dump(mode="json")
    assert config["training"]["rate"] == training.rate == 3e-4
    code, out, _ = becalm("stone", "train", "--resume", "--steps", 9, *flags)
    assert code == 0 and "9 steps" in out


def test_defaults_that_are_not_valid_are_one_sentence() -> None:
    class Wrong(Domain[None]):
        defaults: ClassVar[dict[str, Any]] = {"trainings": {}}

    with pytest.raises(UserError, match=r"Wrong.defaults has no section 'trainings'.*did you mean 'training'\?"):
        with_defaults(Wrong)
    Wrong.defaults = {"training": {"rat": 1}}
    with pytest.raises(UserError, match="Wrong.defaults is not valid: unknown key 'rat'"):
        with_defaults(Wrong)
    Wrong.defaults = {"training": {"rate": 0.5}}
    assert with_defaults(Wrong, training={"steps": 3})[2].model_dump(include={"rate", "steps"}) == {
        "rate": 0.5,
        "steps": 3,
    }
    with pytest.raises(UserError, match="training.steps must be greater than or equal to 1, got 0"):
        with_defaults(Wrong, training={"steps": 0})
