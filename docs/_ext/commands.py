"""The directive ``becalm-commands``: the commands of becalm and its own plugins, from the commands themselves.

    ```{becalm-commands} images
    ```

has those below the nouns that are named; without a name those of no domain, after the root.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from becalm.plugin.find import installed
from becalm_apps.cli.verb import Verb
from becalm_apps.main import command


class Commands(SphinxDirective):
    """A section for each command: what it does, how it is called, its flags by section, examples."""

    optional_arguments = 99

    def run(self) -> list[nodes.Node]:
        # What else happens to be installed here is not becalm's.
        own = [plugin for plugin in installed() if plugin.distribution == "becalm"]
        root = command(own)
        above = click.Context(root, info_name="becalm", **root.context_settings)
        nouns = {ref.name for plugin in own for ref in plugin.domains}
        if self.arguments:
            return [_tree(ctx) for ctx in members(above) if ctx.info_name in self.arguments]
        return [section(above, []), *(_tree(ctx) for ctx in members(above) if ctx.info_name not in nouns)]


def members(above: click.Context) -> Iterator[click.Context]:
    """The contexts of the commands of a group; of another command none."""
    if isinstance(above.command, click.Group):
        for name in above.command.list_commands(above):
            found = above.command.get_command(above, name)
            if found is not None:
                yield click.Context(found, info_name=name, parent=above)


def _tree(ctx: click.Context) -> nodes.section:
    return section(ctx, [_tree(below) for below in members(ctx)])


def section(ctx: click.Context, below: Sequence[nodes.section]) -> nodes.section:
    """What a command does, how it is called, its flags, its examples; then the sections of the commands below it."""
    path = ctx.command_path
    made = nodes.section("", nodes.title("", path), ids=[nodes.make_id(path)], names=[nodes.fully_normalize_name(path)])
    text, examples = _help(ctx.command)
    made += [nodes.paragraph("", part) for part in text]
    made += _code(" ".join([path, *ctx.command.collect_usage_pieces(ctx)]))
    if isinstance(ctx.command, click.Group):
        made += _list([(str(found.info_name), found.command.get_short_help_str(200)) for found in members(ctx)])
    for title, rows in _flags(ctx).items():
        made += [nodes.rubric("", title), _list(rows)]
    if examples:
        made += [nodes.rubric("", "Examples"), _code("\n".join(examples))]
    made += list(below)
    return made


def _help(found: click.Command) -> tuple[list[str], list[str]]:
    """The paragraphs of a command's help, and the lines of its examples."""
    paragraphs = [" ".join(part.split()) for part in (found.help or "").split("\n\n") if "\b" not in part]
    lines = (found.epilog or "").replace("\b", "").splitlines()
    return paragraphs, [line.strip() for line in lines if line.strip().startswith("becalm ")]


def _flags(ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
    found = ctx.command
    sections = found.sections(ctx) if isinstance(found, Verb) else {"Options": found.get_params(ctx)}
    help_option = found.get_help_option(ctx)
    listed = {
        title: [record for param in params if param is not help_option and (record := param.get_help_record(ctx))]
        for title, params in sections.items()
    }
    return {title: rows for title, rows in listed.items() if rows}


def _list(rows: Sequence[tuple[str, str]]) -> nodes.definition_list:
    return nodes.definition_list(
        "",
        *(
            nodes.definition_list_item(
                "", nodes.term("", "", nodes.literal("", name)), nodes.definition("", nodes.paragraph("", text))
            )
            for name, text in rows
        ),
    )


def _code(text: str) -> nodes.literal_block:
    return nodes.literal_block(text, text, language="text")


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the directive."""
    app.add_directive("becalm-commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
