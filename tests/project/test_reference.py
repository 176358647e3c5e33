"""The reference leaves nothing out: commands, flags, hooks, modules; and every command is shown on some other page."""

import dataclasses
import importlib
import importlib.util
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

from becalm.plugin import hooks
from becalm.plugin.find import installed
from becalm_apps.main import command

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PLUGINS = ("becalm_images", "becalm_policies", "becalm_programs")


def extension(name: str) -> Any:
    """A part of the documentation's own, as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / "_ext" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def reference() -> dict[str, tuple[click.Context, str]]:
    """Every command with its section of the reference, without those of the commands below it."""
    made = extension("commands")
    found: dict[str, tuple[click.Context, str]] = {}

    def walk(ctx: click.Context) -> None:
        found[ctx.command_path] = (ctx, made.section(ctx, []).astext())
        for below in made.members(ctx):
            walk(below)

    root = command([plugin for plugin in installed() if plugin.distribution == "becalm"])
    walk(click.Context(root, info_name="becalm"))
    return found


COMMANDS = sorted(reference())


def leaves() -> list[str]:
    return [path for path in COMMANDS if not isinstance(reference()[path][0].command, click.Group)]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_flag_of_a_command_is_in_its_section(path: str) -> None:
    ctx, text = reference()[path]
    assert text.startswith(path)
    for param in ctx.command.get_params(ctx):
        if isinstance(param, click.Option) and param is not ctx.command.get_help_option(ctx):
            assert not param.hidden and param.help, param.opts
            for flag in (*param.opts, *param.secondary_opts):
                assert re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", text)
            assert " ".join(param.help.split()) in " ".join(text.split())


def test_commands_of_other_distributions_are_not_in_the_reference() -> None:
    own = {ref.name for plugin in installed() if plugin.distribution == "becalm" for ref in plugin.domains}
    domains = {ref.name for plugin in installed() for ref in plugin.domains}
    assert {f"becalm {name}" for name in own} <= set(COMMANDS)
    assert not {f"becalm {name}" for name in domains - own} & set(COMMANDS)


def test_every_command_is_shown_on_a_page_that_is_written_by_hand() -> None:
    pages = [ROOT / "README.md", *(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    missing = [path for path in leaves() if not re.search(rf"{re.escape(path)}(?![\w-])", text)]
    # The second way to programs has the verbs of the first.
    assert [path for path in missing if not path.startswith("becalm programs-latent")] == []


@pytest.mark.parametrize("kind", [hooks.DomainRef, hooks.CommandRef])
def test_every_part_of_what_a_plugin_declares_is_explained(kind: type) -> None:
    explained = inspect.getdoc(kind) or ""
    for entry in dataclasses.fields(kind):
        assert re.search(rf"^    {entry.name}: ", explained, re.MULTILINE), entry.name


def test_every_hook_is_named_where_plugins_are_explained() -> None:
    names = [name for name, _ in inspect.getmembers(hooks.Specification, inspect.isfunction)]
    assert {"domains", "commands"} <= set(names)
    plan = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert [name for name in names if f"{name}()" not in plan] == []


CORE = ("reference.md", "reference-sampling.md", "reference-training.md", "reference-plugins.md")


@pytest.mark.parametrize("package", ["becalm", *PLUGINS])
def test_every_module_is_in_the_reference_once(package: str) -> None:
    folder = ROOT / ("core" if package == "becalm" else "plugins")
    files = {path.relative_to(folder).with_suffix("").as_posix() for path in (folder / package).rglob("*.py")}
    modules = sorted(file.removesuffix("/__init__").replace("/", ".") for file in files)
    pages = CORE if package == "becalm" else (f"reference-{package.removeprefix('becalm_')}.md",)
    text = "\n".join(extension("modules").expand((DOCS / page).read_text()) for page in pages)
    assert sorted(re.findall(r"automodule:: (\S+)", text)) == modules


def test_every_command_has_a_page() -> None:
    nouns = {word for page in DOCS.glob("commands*.md") for word in _nouns(page.read_text(encoding="utf-8"))}
    assert nouns == {ref.name for plugin in installed() if plugin.distribution == "becalm" for ref in plugin.domains}


def _nouns(page: str) -> list[str]:
    return [word for words in re.findall(r"\{becalm-commands\}(.*)", page) for word in words.split()]


@pytest.mark.parametrize("package", ["becalm", *PLUGINS, "becalm_apps"])
def test_every_module_that_moved_is_in_the_glossary_and_leads_somewhere(package: str) -> None:
    page = extension("moved").expand((DOCS / "glossary.md").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for old, new in importlib.import_module(package).MOVED.items():
        assert f"| `{old}` | `{new}` |" in page
        assert importlib.util.find_spec(new) is not None
        assert f"| `{new.removeprefix(f'{package}.')}` |" in changes
