"""Six plugins broken in six ways: each says in a sentence whose fault it is and where, and the others go on."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from running import describe

Run = Callable[..., tuple[int, str, str]]
HOOK = """
from becalm.plugin.hooks import DomainRef, hookimpl

@hookimpl
def {hook}():
    print("hello from the plugin")
    return [DomainRef("{name}", "A domain.", "becalm_{name}.domain:{target}")]
"""
DOMAIN = """
from typing import ClassVar
from becalm_toy.domain import Network, Toy
{first}

class Wide(Network):
    def forward(self, x, level, cond):
        return super().forward(x, level, cond)[:, None]

class Own(Toy):
    name: ClassVar[str] = "{name}"
{body}
"""
WIDE = "    def network(self):\n        return Wide(self.net)\n"
RAISES = "    def batches(self, split, seed, start=0):\n        raise ValueError('no data\\nhere')\n"
SIX = {
    "lacks": (
        {"first": "import nosuchlib"},
        2,
        "plugin 'lacks' of becalm-lacks needs the module 'nosuchlib'",
    ),
    "falls": ({"first": "1 / 0"}, 1, "becalm_falls.domain cannot be imported: ZeroDivisionError: division by zero"),
    "raises": ({"body": RAISES}, 1, "plugin 'raises' of becalm-raises: becalm_raises.domain:"),
    "widens": ({"body": WIDE}, 2, "the network must return a tensor of shape (8, 2), got (8, 1, 2)"),
    "strays": (
        {"target": "Onw"},
        1,
        "names becalm_strays.domain:Onw, but becalm_strays.domain has no 'Onw'",
    ),
    "errs": ({"hook": "domain"}, 2, "plugin 'errs' could not be loaded: unknown hook 'domain'"),
}


@pytest.fixture
def write(plugins: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a plugin, spoilt or whole."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))

    def install(name: str, hook: str = "domains", target: str = "Own", first: str = "", body: str = "") -> None:
        describe(site, name, f"becalm_{name}")
        for module in [module for module in sys.modules if module.partition(".")[0] == f"becalm_{name}"]:
            del sys.modules[module]  # An earlier test's.
        package = site / f"becalm_{name}"
        package.mkdir()
        (package / "__init__.py").write_text(HOOK.format(name=name, hook=hook, target=target))
        (package / "domain.py").write_text(DOMAIN.format(name=name, first=first, body=body))

    return install


@pytest.mark.parametrize("name", SIX)
def test_each_says_in_a_sentence_whose_fault_it_is(name: str, write: Callable[..., None], becalm: Run) -> None:
    how, wanted, says = SIX[name]
    write(name, **how)
    code, out, err = becalm(name, "train", "--steps", 1, "--precision", "fp32", "--no-tracking", "--json")
    said = json.loads(out)
    assert (code, said["exit_code"]) == (wanted, wanted), err
    assert says in said["error"] and "Traceback" not in err
    assert ("BECALM_DEBUG=1" in err) == (wanted == 1)
    assert list(Path().rglob("*.lock")) == []


def test_the_list_tells_what_leads_nowhere_and_the_check_follows_all(write: Callable[..., None], becalm: Run) -> None:
    for name in ("strays", "falls"):
        write(name, **SIX[name][0])
    write("fine")
    out = becalm("plugins")[1]
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert "hello" not in out and lines["fine"].endswith(" ok")
    assert "becalm_strays.domain has no 'Onw'; did you mean 'Own'?" in lines["strays"]
    code, out, _ = becalm("plugins", "--check", "--json")
    found = {(row["plugin"], row["what"]): row for row in json.loads(out)["references"]}
    assert code == 1
    assert "ZeroDivisionError" in found["falls", "domain falls: target"]["error"]
    assert found["fine", "domain fine: network"]["error"] is None
    assert "becalm_toy.absent" in found["toy", "panel toy lost: options"]["error"]
    own = [row for row in found.values() if row["plugin"] in ("images", "policies", "programs")]
    assert [row for row in own if row["error"]] == [] and {row["what"] for row in own} >= {"domain images: network"}


def test_a_noun_does_not_wait_for_the_plugin_of_another(write: Callable[..., None], becalm: Run) -> None:
    write("fine")
    assert becalm("images", "sample", "--print-config")[0] == 0
    assert "becalm_fine" not in sys.modules
    code, out, err = becalm("fine", "sample", "--print-config")
    assert code == 0 and out.startswith("domain") and "hello from the plugin" in err
    assert "becalm_fine" in sys.modules


def test_a_checkpoint_and_its_card_say_which_distribution_brings_its_domain(
    write: Callable[..., None], becalm: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write("fine")
    words = ("--steps", 1, "--precision", "fp32", "--no-tracking", "--quiet", "--out", "fine.safetensors")
    assert becalm("fine", "train", *words)[0] == 0
    assert becalm("export", "fine.safetensors", "--out", "parcel")[0] == 0
    assert "`pip install becalm-fine` (made with 1.2.3)" in Path("parcel/README.md").read_text()
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(tmp_path / "site")])
    code, _, err = becalm("export", "fine.safetensors", "--out", "again")
    assert (code, err) == (
        2,
        "becalm: this checkpoint needs domain 'fine', which becalm-fine brings and which is not installed: "
        "pip install becalm-fine\n",
    )
