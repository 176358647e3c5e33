"""Settings: defaults, then a file, then flags; what is printed reads back as the same."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from becalm_apps.cli import config_file

Run = Callable[..., tuple[int, str, str]]

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_PLAIN = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | _TEXT
_VALUES = st.recursive(
    _PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(_TEXT, _VALUES, max_size=4))
def test_toml_reads_back_as_it_was_written(values: dict[str, object]) -> None:
    assert tomllib.loads(config_file.toml(values)) == values


def test_keys_without_a_value_are_left_out() -> None:
    assert config_file.toml({"a": None, "b": {"c": None, "d": 1}}) == "[b]\nd = 1\n"


TRAININGS = [
    [],
    *(["--schedule", kind] for kind in ("linear", "cosine", "sigmoid", "flow", "karras", "variance_exploding")),
    ["--schedule", "variance_preserving", "--schedule.beta-max", "15"],
    ["--schedule", "discrete", "--schedule.betas", "0.1,0.2,0.5"],
    ["--net", "wide"],
    ["--net", "deep", "--net.pause", "0.5"],
    ["--net", "straight", "--net.no-bias"],
    ["--net.widths", "3,4,5"],
    ["--times", "log_normal", "--times.mean", "-0.5", "--weighting", "edm"],
    ["--times.floor", "0.3", "--times", "importance"],
    ["--minutes", "30"],
    ["--minutes", "30", "--steps", "7"],
    ["--compile", "--rate", "3e-4", "--data", 'a "quoted" \\ path\t'],
]


@pytest.mark.parametrize("flags", TRAININGS)
def test_a_printed_training_reads_back_as_the_same(flags: list[str], becalm: Run, tmp_path: Path) -> None:
    code, out, err = becalm("toy", "train", *flags, "--print-config")
    assert (code, err) == (0, "")
    (tmp_path / "again.toml").write_text(out)
    (tmp_path / "again.json").write_text(json.dumps(tomllib.loads(out)))
    assert becalm("toy", "train", "--config", "again.toml", "--print-config") == (0, out, "")
    assert becalm("toy", "train", "--config", "again.json", "--print-config") == (0, out, "")


@pytest.mark.parametrize("verb", ["sample", "evaluate"])
def test_a_printed_request_reads_back_as_the_same(verb: str, becalm: Run, tmp_path: Path) -> None:
    _, out, _ = becalm(
        "toy", verb, "--side", "right", "--spacing", "karras", "--sampler", "ddim", "--eta", "0.5", "--print-config"
    )
    (tmp_path / "again.toml").write_text(out)
    assert becalm("toy", verb, "--config", "again.toml", "--print-config") == (0, out, "")


def test_a_flag_goes_over_the_file_and_the_file_over_the_default(becalm: Run, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('steps = 7\ncount = 3\nside = "right"\n')
    _, out, _ = becalm("toy", "evaluate", "--config", "a.toml", "--steps", "9", "--print-config")
    values = tomllib.loads(out)
    assert (values["steps"], values["count"], values["side"], values["seed"]) == (9, 3, "right", 0)


def test_evaluate_takes_a_thousand_samples_unless_told(becalm: Run) -> None:
    assert "count = 1000\n" in becalm("toy", "evaluate", "--print-config")[1]
    assert "[default: 1000; x>=1]" in " ".join(becalm("toy", "evaluate", "--help")[1].split())


@pytest.mark.parametrize("text", ['schedule = "karras"', '[schedule]\nkind = "karras"\nrho = 5.0'])
def test_naming_the_kind_that_the_file_chose_keeps_its_settings(text: str, becalm: Run, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    for flags in (["--schedule", "karras"], ["--schedule.high", "80"], []):
        _, out, _ = becalm("toy", "train", "--config", "a.toml", *flags, "--print-config")
        assert tomllib.loads(out)["schedule"]["rho"] == (5.0 if "rho" in text else 7.0)


def test_naming_another_kind_drops_the_files_settings_of_it(becalm: Run, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[schedule]\nkind = "karras"\nrho = 5.0')
    _, out, _ = becalm("toy", "train", "--config", "a.toml", "--schedule", "flow", "--print-config")
    assert tomllib.loads(out)["schedule"] == {"kind": "flow"}


WRONG = [
    ("a.toml", "stepz = 3", "a.toml: unknown key 'stepz': known are .*; did you mean 'steps'?"),
    ("a.toml", "steps = 0", "a.toml: steps must be greater than or equal to 1, got 0"),
    ("a.toml", "steps = 'x'", "a.toml: steps must be a valid integer, got 'x'"),
    ("a.toml", "steps = nan", "a.toml: steps must be a finite number, got nan"),
    ("a.toml", "guidance = inf", "a.toml: guidance must be a finite number, got inf"),
    ("a.toml", "domain = 'images'", "a.toml holds settings of domain 'images', not 'toy'"),
    ("a.toml", "steps = = 3", "config file a.toml is not valid TOML: .*line 1.*"),
    ("a.json", '{"steps": 3', "config file a.json is not valid JSON: .*line 1.*"),
    ("a.json", '{"steps": 3, "steps": 4}', "config file a.json is not valid JSON: key 'steps' stands twice.*"),
    ("a.json", "[1]", "config file a.json must hold a table of settings, got list"),
    ("a.yaml", "steps: 3", "a config file ends in .toml or .json, got a.yaml"),
    ("a.toml", b"\xff\xfe", "config file a.toml is not text in UTF-8"),
]


@pytest.mark.parametrize(("name", "text", "says"), WRONG)
def test_a_wrong_file_is_one_sentence(name: str, text: str | bytes, says: str, becalm: Run, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    code, out, err = becalm("toy", "sample", "--config", name, "--checkpoint", "x.safetensors")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert re.fullmatch(f"becalm: {says}\n".replace("?", r"\?"), err), err
    assert [path.name for path in tmp_path.iterdir()] == [name]


NESTED = [
    (
        "[schedule]\nkind = 'cosine'\nofset = 1",
        "unknown key 'schedule.ofset': known are .*; did you mean 'schedule.offset'?",
    ),
    ("[schedule]\nkind = 'cosine'\noffset = 1", "schedule.offset must be less than 1, got 1"),
    ("[schedule]\nofset = 0.1", "unknown key 'schedule.ofset': known are .*; did you mean 'schedule.offset'?"),
    ("[schedule]\nkind = 'cosin'", "schedule must be one of .*, got 'cosin'; did you mean 'cosine'?"),
    ("schedule = 3", "schedule must be a table of settings, got 3"),
    ("schedule = 'cosin'", "schedule must be .*, got 'cosin'; did you mean 'cosine'?"),
    ("rate = 3", "unknown key 'rate'; did you mean 'training.rate'?"),
    ("training = 3", "training must be a table of settings, got 3"),
    ("[settings.net]\nkind = 'straight'\nwidths = [3]", "unknown key 'settings.net.widths'.*"),
    ("[training]\nrate = -1\nsteps = 0", "training.steps must be .*, got 0; a.toml: training.rate must be .*, got -1"),
]


@pytest.mark.parametrize(("text", "says"), NESTED)
def test_a_wrong_key_is_named_with_its_place(text: str, says: str, becalm: Run, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    code, _, err = becalm("toy", "train", "--config", "a.toml")
    assert code == 2
    pattern = f"becalm: a.toml: {says}\n".replace("?", r"\?")
    assert re.fullmatch(pattern, err), err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--schedule", "cosin"], "--schedule must be one of"),
        (["--net", "wyde"], "--net: unknown network 'wyde': known are deep, wide; did you mean 'wide'?"),
        (["--net", "wyde", "--net.pause", "1"], "--net: unknown network 'wyde'"),
        (["--net", "straight", "--net.widths", "3"], "--net.widths is no setting of the net chosen"),
        (["--net.widths", "3,x"], "--net.widths must be a valid integer, got 'x'"),
        (["--net.widths", ""], "--net.widths must"),
        (["--rate", "x"], "--rate must be a valid number, got 'x'"),
        (["--rate", "nan"], "--rate must be a finite number, got nan"),
        (["--ema", "1"], "--ema must be less than 1, got 1"),
        (["--schedule", "karras", "--schedule.low", "90"], "--schedule: low must be below high, got 90.0 and 80.0"),
        (["--prediction", "eps", "--schedule", "flow"], "prediction eps cannot recover x0"),
        (["--learning-rate", "1"], "unknown flag --learning-rate"),
        (["--schedule.ofset", "1"], "unknown flag --schedule.ofset; did you mean --schedule.offset"),
        (["--steps"], "--steps needs a value"),
        (["--every", "0"], "--every must be a whole number of 1 or more, got '0'"),
    ],
)
def test_a_wrong_flag_is_one_sentence_that_names_it(flags: list[str], says: str, becalm: Run, tmp_path: Path) -> None:
    code, out, err = becalm("toy", "train", *flags)
    assert (code, out) == (2, "")
    assert err.startswith(f"becalm: {says}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
