"""One place says what brings a missing module: by the metadata of becalm and of whose code imports it."""

from pathlib import Path

import pytest

from becalm.plugin.distribution.declared import dangling, may_bring
from becalm.plugin.distribution.missing import command, explain

BROUGHT = {
    "scipy": "pip install 'becalm[programs]'",
    "torch_geometric": "pip install 'becalm[programs]'",
    "Box2D": "pip install 'becalm[policies]'",
    "distributed": "pip install 'becalm[cluster]'",
    "huggingface_hub": "pip install 'becalm[hub]'",
    "PIL": "pip install becalm",
    "hypothesis": "pip install hypothesis",
    "nosuchlib": None,
}


@pytest.mark.parametrize("module", BROUGHT)
def test_a_module_is_brought_by_the_extra_that_lists_it(module: str) -> None:
    assert command(module) == BROUGHT[module]


def test_a_strangers_requirement_comes_before_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "becalm_wave-1.0.dist-info"
    info.mkdir()
    needs = "Requires-Dist: tide\nRequires-Dist: moon-phase; extra == 'sky'\nProvides-Extra: sky\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: becalm-wave\nVersion: 1.0\n{needs}")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert command("tide", "becalm-wave") == "pip install becalm-wave"
    assert command("moon_phase", "becalm-wave") == "pip install 'becalm-wave[sky]'"
    assert command("scipy", "becalm-wave") == "pip install 'becalm[programs]'"
    said = explain("nosuchlib", who="plugin 'wave'", distribution="becalm-wave")
    assert said.endswith("and becalm-wave does not say what brings it: ask its authors")


HEAD = "from becalm.plugin.hooks import DomainRef, KindRef, hookimpl\n"
DECLARED = {
    "plain": (f"{HEAD}@hookimpl\ndef domains(): return [DomainRef('wave', '', 'a:b')]", False),
    "kinds": (f"{HEAD}@hookimpl\ndef kinds(): return [KindRef('sampler', 'x', 'a:b')]", True),
    "borrowed": ("from itself_borrowed.refs import domains", True),
    "renamed": ("from becalm.plugin.hooks import KindRef as K", True),
    "starred": ("from elsewhere import *", True),
    "computed": (f"{HEAD}name = 'spiral'\ndef more(): return KindRef('sampler', name, 'a:b')", False),
    "dynamic": ("globals()['kinds'] = print", True),
    "no_python": ("def kinds(:", True),
}


@pytest.mark.parametrize("name", DECLARED)
def test_a_plugin_is_passed_over_only_where_its_file_says_that_it_brings_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, may = DECLARED[name]
    (tmp_path / f"itself_{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert may_bring(f"itself_{name}", "kinds") == may
    assert may_bring(f"itself_{name}.inner", "kinds"), "what is inside a package cannot be seen without importing it"


def test_a_domain_is_of_whose_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "waves.py").write_text(DECLARED["plain"][0])
    monkeypatch.syspath_prepend(str(tmp_path))
    assert may_bring("waves", "domains", "wave") and not may_bring("waves", "domains", "images")
    assert not may_bring("waves", "commands", "wave")


def test_a_reference_to_nowhere_is_seen_without_an_import() -> None:
    assert dangling("becalm_images.domain:Images") is None
    assert dangling("becalm_images.domian:Images") == (
        "becalm_images.domian:Images: there is no module becalm_images.domian"
    )
    assert str(dangling("becalm_images.domain:Imges")).endswith("has no 'Imges'; did you mean 'Images'?")
