"""What the command says of broken plugins, and that all the rest goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
IMPORTS = "from becalm.plugin.hooks import DomainRef, hookimpl\n@hookimpl\n"
BROKEN = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "misspelt": (
        f"{IMPORTS}def domain(): return []",
        "unknown hook 'domain': known are domains, commands, kinds",
    ),
    "usurps": (f"{IMPORTS}def domains(): return [DomainRef('toy', '', 'a:b')]", "domain 'toy' is already brought by"),
    "word": (f"{IMPORTS}def domains(): return [DomainRef('plugins', '', 'a:b')]", "already brought by becalm itself"),
}


@pytest.fixture
def broken(bring: Callable[..., None]) -> None:
    for name, (source, _) in BROKEN.items():
        bring(name, **{f"becalm_{name}": source})


@pytest.mark.usefixtures("broken")
def test_each_is_listed_with_its_reason_and_the_others_work(becalm: Run) -> None:
    code, out, err = becalm("plugins")
    assert (code, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert all(reason in lines[name] for name, (_, reason) in BROKEN.items())
    assert all(lines[name].rstrip().endswith(" ok") for name in ("images", "policies", "programs"))
    rows = {row["name"]: row for row in json.loads(becalm("plugins", "--json")[1])["plugins"]}
    assert {name for name, row in rows.items() if row["error"]} >= BROKEN.keys()
    assert "toy" in becalm("--help")[1]
    assert becalm("images", "sample", "--steps", "4", "--print-config")[0] == 0


@pytest.mark.usefixtures("broken")
def test_a_word_that_a_broken_plugin_wanted_still_means_what_it_meant(becalm: Run) -> None:
    assert becalm("plugins")[1].startswith("plugin ")
    assert becalm("toy", "count", "--to", 2) == (0, "1\n2\n", "")


def test_one_for_another_becalm_is_told_so_and_its_verbs_are_not_there(
    bring: Callable[..., None], becalm: Run, tmp_path: Path
) -> None:
    bring("later", becalm_later=f"{IMPORTS}def domains(): return [DomainRef('later', '', 'a:b')]")
    assert "later" in becalm("--help")[1]
    with (tmp_path / "site" / "becalm_later-1.2.3.dist-info" / "METADATA").open("a") as metadata:
        metadata.write("Requires-Dist: becalm>=99\n")
    code, out, err = becalm("later", "sample")
    assert (code, out) == (2, "")
    assert err.startswith("becalm: plugin 'later' could not be loaded: it requires becalm>=99, this is becalm ")


def test_ctrl_c_in_one_that_never_comes_back_names_it(bring: Callable[..., None], becalm: Run) -> None:
    bring("stuck", becalm_stuck="raise KeyboardInterrupt  # As Ctrl-C does in an import that hangs.")
    assert becalm("plugins") == (130, "", "becalm: stopped while loading plugin 'stuck' of becalm-stuck\n")
