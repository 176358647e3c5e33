"""Help answers at once, whatever is installed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

Run = Callable[..., tuple[int, str, str]]

TORCHLESS = """
import sys
from becalm_apps.main import main
try:
    main(sys.argv[1:])
finally:
    print(sorted({"torch", "numpy", "PIL", "rich", "matplotlib"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["plugins"],
        ["plugins", "--json"],
        ["completion", "fish"],
        ["toy", "--help"],
        ["toy", "sample", "--help"],
        ["toy", "sample", "--print-config"],
        ["toy", "count", "--help"],
        ["toy", "weigh", "--help"],
        ["toy", "weigh", "a thing"],
        ["images", "--help"],
        ["images", "sample", "--help"],
        ["images", "sample", "--steps", "0"],
    ],
)
def test_what_needs_no_torch_imports_none(words: list[str], process: Callable[..., Popen[str]]) -> None:
    _, err = process(*words, code=TORCHLESS).communicate(timeout=60)
    assert err.splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [[], ["--help"], ["toy"], ["toy", "--help"]])
def test_a_group_lists_its_commands(words: list[str], becalm: Run) -> None:
    code, out, err = becalm(*words)
    assert (code, err) == (0, "")
    expected = ["sample", "train", "evaluate", "count"] if "toy" in words else ["toy", "plugins", "completion"]
    assert all(f"\n  {name} " in out for name in expected)


def test_help_gives_description_default_and_range_of_every_setting(becalm: Run) -> None:
    code, out, _ = becalm("toy", "sample", "--help")
    text = " ".join(out.split())
    assert code == 0
    assert "--steps INT Sampler steps. [default: 20; 1<=x<=100000]" in text
    assert "--side left|right Which of the two clouds. [default: left]" in text
    assert "becalm toy sample --checkpoint runs/toy.safetensors --count 16" in text
    assert text.index("--side") < text.index("--steps"), "the domain's own settings come first"


def test_help_of_training_has_dotted_flags_below_unions(becalm: Run) -> None:
    code, out, _ = becalm("toy", "train", "--help")
    text = " ".join(out.split())
    assert code == 0
    for flag in (
        "--net mlp|straight|NAME",
        "--net.widths INT,...",
        "--net.bias / --net.no-bias",
        "--schedule.offset FLOAT",
    ):
        assert flag in text
    assert "--rate FLOAT Highest learning rate" in text
    assert "karras, variance_exploding: sigma at t = 0" in text


def test_the_verbs_own_flag_keeps_a_name_that_a_field_wants(becalm: Run) -> None:
    _, out, _ = becalm("toy", "sample", "--help")
    assert "--request.out INT" in out
    _, out, _ = becalm("toy", "sample", "--request.out", 3, "--print-config")
    assert "out = 3" in out


def test_trainings_flag_keeps_a_name_that_the_domain_wants(becalm: Run) -> None:
    _, out, _ = becalm("toy", "train", "--seed", 3, "--settings.seed", 4, "--print-config")
    assert "seed = 4" in out.split("[training]")[0]
    assert "seed = 3" in out.split("[training]")[1]


def test_plugins_are_listed_with_version_and_domains(becalm: Run) -> None:
    code, out, _ = becalm("plugins")
    assert code == 0
    assert ["toy", "becalm-toy", "1.2.3", "toy", "ok"] in [line.split() for line in out.splitlines()]
    code, out, _ = becalm("plugins", "--json")
    found = {row["name"]: row for row in json.loads(out)["plugins"]}
    assert found["toy"]["version"] == "1.2.3"
    assert "images" in found["images"]["domains"]


def test_a_broken_plugin_is_named_and_stops_nothing(
    becalm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site" / "becalm_bad-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: becalm-bad\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[becalm]\nbad = becalm_bad\n")
    (tmp_path / "site" / "becalm_bad.py").write_text("raise RuntimeError('first\\nsecond')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    code, out, _ = becalm("plugins")
    assert code == 0
    assert "RuntimeError: first" in out
    assert becalm("toy", "sample", "--help")[0] == 0
    code, _, err = becalm("bad", "sample")
    assert (code, err) == (2, "becalm: plugin 'bad' could not be loaded: RuntimeError: first\n")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str, becalm: Run) -> None:
    code, out, err = becalm("completion", shell)
    assert (code, err) == (0, "")
    assert "_BECALM_COMPLETE" in out


def test_completion_knows_commands_flags_and_words(
    process: Callable[..., Popen[str]], environment: dict[str, str]
) -> None:
    environment |= {
        "_BECALM_COMPLETE": "fish_complete",
        "COMP_WORDS": "becalm toy sample --sampler dp",
        "COMP_CWORD": "dp",
    }
    out, _ = process(code="from becalm_apps.main import main; main()").communicate(timeout=60)
    assert sorted(re.findall(r"dp\w+", out)) == ["dpmpp2m", "dpmpp3m", "dpmppsde"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("studio", "--port", "65536"), "--port must be a whole number from 0 to 65535, got '65536'"),
        (("studio", "--port", "-1"), "--port must be a whole number from 0 to 65535, got '-1'"),
        (("runs", "open", "--port", "x"), "--port must be a whole number from 0 to 65535, got 'x'"),
        (("runs", "--count", "0"), "--count must be a whole number of 1 or more, got '0'"),
        (("export", "mnist", "--out", "x", "--evaluate", "1.5"), "--evaluate must be a whole number of 0 or more, got"),
        (("images", "train", "--every", "none"), "--every must be a whole number of 1 or more, got 'none'"),
    ],
)
def test_a_number_out_of_bounds_is_refused_with_its_bounds(becalm: Run, words: tuple[str, ...], sentence: str) -> None:
    code, out, err = becalm(*words)
    assert (code, out) == (2, "")
    assert err.startswith(f"becalm: {sentence}") and err.count("\n") == 1
