"""A record as a command line and as Python: what they say is the record's settings again."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from becalm.plugin.find import domain_ref, resolve
from becalm.provenance import read, record
from becalm_apps.cli import config_file
from becalm_apps.verbs.recipe import command_line, python

Run = Callable[..., tuple[int, str, str]]
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("images", {}),
    ("images", {"label": [1, 2], "count": 3, "sampler": {"kind": "ddim", "eta": 0.5}, "times": [1.0, 0.1]}),
    ("images", {"sampler": {"kind": "heun"}, "guidance": 0.0, "precision": "bf16", "threshold": "none"}),
    ("policies", {"observation": [0.5, -0.5], "avoid": [0.1, 0.2, 0.3], "steps": 3, "seed": 2**40}),
    ("policies", {"sampler": {"kind": "dpmpp2m"}, "spacing": "karras"}),
]


@pytest.mark.parametrize(("domain", "fields"), ASKED)
def test_the_command_says_the_same_settings(domain: str, fields: dict[str, Any], becalm: Run, tmp_path: Path) -> None:
    ref = domain_ref(domain)
    request = resolve(ref.request).model_validate(fields)
    made = record(f"{domain} sample", request)
    line = command_line(made, "a.png") or ""
    code, out, err = becalm(*shlex.split(line)[1:], "--print-config")
    assert (code, err) == (0, "")
    (tmp_path / "a.toml").write_text(out)
    table = config_file.read(tmp_path / "a.toml")
    table.pop("domain")
    assert type(request).model_validate(table) == request
    # What is as by default goes without saying.
    assert len(shlex.split(line)) <= 3 + 2 + 4 * len(fields)


def test_verbs_of_plugins_and_words_without_a_flag(becalm: Run) -> None:
    options = resolve("becalm_programs.options:SampleOptions").model_validate({"model": "a b.mps", "count": 3})
    made = record("programs sample", options)
    assert command_line(made, "x.sol") == "becalm programs sample 'a b.mps' --count 3 --out x.sol"
    assert command_line(record("images inpaint", options, panel=True), "x.png") is None


def test_python_makes_the_same_file(becalm: Run, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [
        "--checkpoint",
        trained.name,
        "--count",
        2,
        "--steps",
        2,
        "--sampler",
        "ddim",
        "--eta",
        0.5,
        "--side",
        "left",
    ]
    assert becalm("toy", "sample", *words, "--out", "a.png")[0] == 0
    monkeypatch.chdir(trained.parent)
    exec(python(read(Path("a.png"))) or "", {})
    assert Path("samples.png").read_bytes() == Path("a.png").read_bytes()
    shown = becalm("show", "a.png")[1].splitlines()[-1]
    assert becalm(*shlex.split(shown.replace("a.png", "b.png"))[1:])[0] == 0
    assert Path("b.png").read_bytes() == Path("a.png").read_bytes()
