"""One broken plugin is reported and takes nothing else down; a light import stays light."""

import subprocess
import sys
from pathlib import Path

import pytest
from toy import POINTS, Points, install

from becalm.errors import UserError
from becalm.plugins import Plugin, domain_ref, installed, pretrained, resolve

BROKEN = {
    "raises": ("raise RuntimeError('no luck\\nat all')", "RuntimeError: no luck"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "gives_up": ("class Stop(BaseException): pass\nraise Stop()", "Stop: no message"),
    "wants_more": (
        "import a_package_that_is_not_there",
        "ModuleNotFoundError: No module named 'a_package_that_is_not_there'",
    ),
    "is_no_python": ("def domains(:", "SyntaxError"),
    "misspells": ("from becalm.hooks import hookimpl\n@hookimpl\ndef domain(): return []", "unknown hook 'domain'"),
    "forgets_the_mark": ("def domains(): return []", "domains is not marked"),
    "has_nothing": ("x = 1", "it has no hook"),
    "returns_none": (
        "from becalm.hooks import hookimpl\n@hookimpl\ndef domains(): pass",
        "list of DomainRef, got None",
    ),
    "returns_names": (
        "from becalm.hooks import hookimpl\n@hookimpl\ndef domains(): return ['points']",
        "list of DomainRef, got str",
    ),
    "returns_one": (
        "from becalm.hooks import DomainRef, hookimpl\n@hookimpl\ndef domains(): return DomainRef('a', 'b', 'c:d')",
        "list of DomainRef, got DomainRef",
    ),
    "returns_commands": (
        "from becalm.hooks import CommandRef, hookimpl\n"
        "@hookimpl\ndef domains(): return [CommandRef('a', 'b', 'c', 'd:e', 'f:g')]",
        "list of DomainRef, got CommandRef",
    ),
    "wants_arguments": (
        "from becalm.hooks import hookimpl\n@hookimpl\ndef domains(everything): return []",
        "PluginValidationError",
    ),
    "steals": (
        "from becalm.hooks import DomainRef, hookimpl\n"
        "@hookimpl\ndef domains(): return [DomainRef('images', 'Mine now.', 'thief:Images')]",
        "domain 'images' is already brought by another plugin",
    ),
    "says_it_twice": (
        "from becalm.hooks import DomainRef, hookimpl\n"
        "@hookimpl\ndef domains(): return [DomainRef('twice', '', 'a:b'), DomainRef('twice', '', 'a:b')]",
        "domain 'twice' is already brought by another plugin",
    ),
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the path, for plugins; forgotten after the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def found(name: str) -> Plugin:
    return next(plugin for plugin in installed() if plugin.name == name)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_reported_and_takes_nothing_else_down(kind: str, site: Path) -> None:
    source, reason = BROKEN[kind]
    # Before and after in order of name: the others must be there all the same.
    install(site, f"aaa_{kind}", source)
    install(site, f"zzz_{kind}", source.replace("twice", "again").replace("points", "others"))
    install(site, "points_plugin", POINTS)
    plugins = {plugin.name: plugin for plugin in installed()}
    for name in (f"aaa_{kind}", f"zzz_{kind}"):
        error = plugins[name].error
        assert error is not None and reason.replace("twice", "again" if name.startswith("zzz") else "twice") in error
        assert "\n" not in error
        assert plugins[name].domains == () and plugins[name].version == "1.0"
    assert plugins["points_plugin"].error is None and plugins["images"].error is None
    assert [ref.target for ref in plugins["images"].domains] == ["becalm_images.domain:Images"]


def test_all_broken_plugins_at_once_are_reported(site: Path) -> None:
    for kind, (source, _) in BROKEN.items():
        install(site, kind, source)
    install(site, "points_plugin", POINTS)
    plugins = {plugin.name: plugin for plugin in installed()}
    assert BROKEN.keys() <= plugins.keys()
    assert {plugins[name].error for name in ("images", "points_plugin")} == {None}
    assert all(plugins[name].error for name in BROKEN)
    assert domain_ref("images").target == "becalm_images.domain:Images"
    assert resolve(domain_ref("points").target) is Points
    assert list(plugins) == sorted(plugins)


def test_damaged_metadata_takes_nothing_down(site: Path) -> None:
    for number, text in enumerate(("[becalm\nx", "[becalm]\nno equals sign", "[becalm]\nx = not a module!:", "\0\xff")):
        info = site / f"damaged{number}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(text)
        if number % 2:
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: damaged{number}\nVersion: 1.0\n")
    install(site, "points_plugin", POINTS)
    assert found("points_plugin").error is None and found("images").error is None


def test_a_target_that_is_not_there_is_named_in_a_sentence(site: Path) -> None:
    with pytest.raises(UserError, match="not_a_package_of_ours"):
        resolve("not_a_package_of_ours.domain:Points")


def test_unknown_names_list_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown domain 'image': known are .*images.*; did you mean 'images'\?"):
        domain_ref("image")
    with pytest.raises(UserError, match=r"unknown checkpoint 'mnits': known are .*mnist.*; did you mean 'mnist'\?"):
        pretrained("mnits")


LIGHT = """
import sys
import becalm, becalm.hooks, becalm.plugins, becalm.request, becalm_images
becalm.plugins.installed()
heavy = {"torch", "numpy", "matplotlib", "PIL", "gradio", "mlflow"}
print(sorted({name.split(".")[0] for name in sys.modules} & heavy))
"""


def test_what_help_needs_imports_no_torch() -> None:
    answer = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "[]"
