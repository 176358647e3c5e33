"""One broken plugin is reported and takes nothing else down; a light import stays light."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from toy import POINTS, Points, install

from becalm.errors import PluginError, UserError
from becalm.plugin.find import Plugin, domain_ref, installed, pretrained, resolve


def hook(ref: str) -> str:
    """The source of a plugin that brings a domain."""
    return f"from becalm.plugin.hooks import DomainRef, hookimpl\n@hookimpl\ndef domains(): return [{ref}]"


BROKEN = {
    "raises": ("raise RuntimeError('no luck\\nat all')", "RuntimeError: no luck"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "gives_up": ("class Stop(BaseException): pass\nraise Stop()", "Stop: no message"),
    "wants_more": (
        "import a_package_that_is_not_there",
        "needs the module 'a_package_that_is_not_there', which is not installed",
    ),
    "is_no_python": ("def domains(:", "SyntaxError"),
    "misspells": (
        "from becalm.plugin.hooks import hookimpl\n@hookimpl\ndef domain(): return []",
        "unknown hook 'domain': known are domains, commands, kinds, panels; did you mean 'domains'?",
    ),
    "forgets_the_mark": ("def domains(): return []", "domains is not marked"),
    "has_nothing": ("x = 1", "it has no hook"),
    "returns_none": (
        "from becalm.plugin.hooks import hookimpl\n@hookimpl\ndef domains(): pass",
        "list of DomainRef, got None",
    ),
    "returns_names": (
        "from becalm.plugin.hooks import hookimpl\n@hookimpl\ndef domains(): return ['points']",
        "list of DomainRef, got str",
    ),
    "returns_one": (
        "from becalm.plugin.hooks import DomainRef, hookimpl\n@hookimpl\n"
        "def domains(): return DomainRef('a', 'b', 'c:d')",
        "list of DomainRef, got DomainRef",
    ),
    "returns_commands": (
        "from becalm.plugin.hooks import CommandRef, hookimpl\n"
        "@hookimpl\ndef domains(): return [CommandRef('a', 'b', 'c', 'd:e', 'f:g')]",
        "list of DomainRef, got CommandRef",
    ),
    "wants_arguments": (
        "from becalm.plugin.hooks import hookimpl\n@hookimpl\ndef domains(everything): return []",
        "PluginValidationError",
    ),
    "steals": (
        "from becalm.plugin.hooks import DomainRef, hookimpl\n"
        "@hookimpl\ndef domains(): return [DomainRef('images', 'Mine now.', 'thief:Images')]",
        "domain 'images' is already brought by plugin 'images' of becalm",
    ),
    "says_it_twice": (
        "from becalm.plugin.hooks import DomainRef, hookimpl\n"
        "@hookimpl\ndef domains(): return [DomainRef('twice', '', 'a:b'), DomainRef('twice', '', 'a:b')]",
        "domain 'twice' is already brought by this plugin",
    ),
    "takes_a_word": (
        hook("DomainRef('doctor', 'Sees you now.', 'a:b')"),
        "domain 'doctor' is already brought by becalm",
    ),
    "takes_a_checkpoint": (
        hook("DomainRef('digits', '', 'a:b', pretrained={'mnist': 'a:mine.safetensors'})"),
        "checkpoint 'mnist' is already brought by plugin 'images' of becalm",
    ),
    "shouts": (hook("DomainRef('My Points', '', 'a:b')"), "got 'My Points'; did you mean 'my-points'?"),
    "has_no_name": (hook("DomainRef(None, '', 'a:b')"), "domain name must be small letters and digits"),
    "points_nowhere": (hook("DomainRef('dunes', '', 'a.b')"), "must be package.module:name, got 'a.b'"),
    "has_no_summary": (
        hook("DomainRef('dunes', None, 'a:b')"),
        "summary of domain 'dunes' must be text, got None",
    ),
    "defaults_to_nothing": (
        hook("DomainRef('dunes', '', 'a:b', default='best')"),
        "must be a pretrained checkpoint, of which there are none",
    ),
    "lists_checkpoints": (
        hook("DomainRef('dunes', '', 'a:b', pretrained=['best'])"),
        "must be names to package:path, got ['best']",
    ),
    "loses_a_checkpoint": (
        hook("DomainRef('dunes', '', 'a:b', pretrained={'best': 'best.safetensors'})"),
        "checkpoint 'best' must be package:path, got 'best.safetensors'",
    ),
    "commands_nothing": (
        "from becalm.plugin.hooks import CommandRef, hookimpl\n"
        "@hookimpl\ndef commands(): return [CommandRef('images', 'sharpen', '', 'a:Options', 'a:')]",
        "target of images sharpen must be package.module:name, got 'a:'",
    ),
}

REQUIRES = {
    "becalm<0.1": "it requires becalm<0.1, this is becalm",
    "becalm[studio]>=99": "it requires becalm>=99, this is becalm",
    "Becalm ~= 7.0; python_version >= '3'": "it requires becalm~=7.0, this is becalm",
    "becalm what?": "InvalidRequirement",
    "becalm>=99; extra == 'later'": None,
    "becalm>=99; python_version < '3'": None,
    "becalm-images>=99": None,
    "becalm": None,
    "becalm>=0.0.1.dev0,<99": None,
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
    install(site, f"zzz_{kind}", source.replace("twice", "thrice").replace("points", "others"))
    install(site, "points_plugin", POINTS)
    plugins = {plugin.name: plugin for plugin in installed()}
    for name in (f"aaa_{kind}", f"zzz_{kind}"):
        error = plugins[name].error
        assert error is not None and reason.replace("twice", "thrice" if name.startswith("zzz") else "twice") in error
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


@pytest.mark.parametrize(("requirement", "reason"), REQUIRES.items())
def test_a_plugin_for_another_becalm_is_refused_before_it_is_imported(
    requirement: str, reason: str | None, site: Path
) -> None:
    imported = site / "imported"
    install(site, "other", f"open({str(imported)!r}, 'w').close()\n" + textwrap.dedent(POINTS))
    with (site / "other-1.0.dist-info" / "METADATA").open("a") as metadata:
        metadata.write(f"Requires-Dist: numpy>=99\nRequires-Dist: {requirement}\n")
    error = found("other").error
    assert imported.exists() == (reason is None)
    assert (error is None) if reason is None else (error is not None and reason in error)
    assert found("images").error is None


def test_an_interrupt_says_which_plugin_did_not_come_back(site: Path) -> None:
    install(site, "slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt, match="stopped while loading plugin 'slow' of slow"):
        installed()


def test_the_first_of_two_strangers_keeps_a_name_and_the_second_is_told_whose_it_is(site: Path) -> None:
    install(site, "points_first", POINTS)
    install(site, "points_second", POINTS)
    assert found("points_first").error is None
    assert found("points_second").error == "domain 'points' is already brought by plugin 'points_first' of points_first"


def test_a_clash_takes_no_other_name_with_it(site: Path) -> None:
    """What a refused plugin would have brought is free for the next one."""
    install(site, "a_thief", hook("DomainRef('images', '', 'a:b'), DomainRef('points', '', 'a:b')"))
    install(site, "points_plugin", POINTS)
    assert found("a_thief").error is not None
    assert found("points_plugin").error is None


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
    with pytest.raises(PluginError, match="there is no module 'not_a_package_of_ours'"):
        resolve("not_a_package_of_ours.domain:Points")


def test_a_target_that_its_module_does_not_have_is_named_with_the_nearest() -> None:
    says = r"a plugin names becalm.batch:Bach, but becalm.batch has no 'Bach'; did you mean 'Batch'\?"
    with pytest.raises(PluginError, match=says):
        resolve("becalm.batch:Bach")


def test_unknown_names_list_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown domain 'image': known are .*images.*; did you mean 'images'\?"):
        domain_ref("image")
    with pytest.raises(UserError, match=r"unknown checkpoint 'mnits': known are .*mnist.*; did you mean 'mnist'\?"):
        pretrained("mnits")


LIGHT = """
import sys
import becalm, becalm.plugin.hooks, becalm.plugin.find, becalm.request, becalm_images
becalm.plugin.find.installed()
heavy = {"torch", "numpy", "matplotlib", "PIL", "gradio", "mlflow"}
print(sorted({name.split(".")[0] for name in sys.modules} & heavy))
"""


def test_what_help_needs_imports_no_torch() -> None:
    answer = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "[]"
