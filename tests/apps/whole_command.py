"""The whole command of becalm and its own plugins, walked: every group and leaf, its flags and its examples."""

from collections.abc import Iterator

import click

from becalm.plugin.find import installed
from becalm_apps.cli.verb import Verb
from becalm_apps.main import command

Words = tuple[str, ...]
OWN = [plugin for plugin in installed() if plugin.distribution == "becalm"]
ROOT = command(OWN)


def walk(group: click.Group, above: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    yield above, group
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from walk(found, (*above, name))
        else:
            yield (*above, name), found


EVERY = dict(walk(ROOT))
LEAVES = {words: found for words, found in EVERY.items() if not isinstance(found, click.Group)}
GROUPS = {words: found for words, found in EVERY.items() if isinstance(found, click.Group)}
VERBS = {words: found for words, found in LEAVES.items() if isinstance(found, Verb)}


def name(words: Words) -> str:
    return " ".join(words) or "becalm"


def context(words: Words) -> click.Context:
    """The context of a command, below those of its groups."""
    made = click.Context(ROOT, info_name="becalm", **ROOT.context_settings)
    for depth, word in enumerate(words, 1):
        found = EVERY[words[:depth]]
        made = click.Context(found, info_name=word, parent=made, **found.context_settings)
    return made


def flags(words: Words) -> list[str]:
    params = LEAVES[words].get_params(context(words))
    return [
        flag
        for param in params
        if isinstance(param, click.Option)
        for flag in (*param.opts, *param.secondary_opts)
        if flag.startswith("--")
    ]


def examples(words: Words) -> list[str]:
    _, _, end = EVERY[words].get_help(context(words)).partition("Examples:\n")
    return [line.strip() for line in end.splitlines() if line.strip()]
