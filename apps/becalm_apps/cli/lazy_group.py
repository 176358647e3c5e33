"""A group of commands that are made when they are asked for, so that a list of them imports nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import click
from click.core import ParameterSource

from becalm.errors import UserError, unknown
from becalm_apps.cli.usage import OTHER_WORDS

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Of click's contexts; those of the commands below a group are the group's."""


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command of a group.

    Attributes:
        section: Title that it stands under in the list.
        summary: One line for the list.
        make: Makes the command.
    """

    section: str
    summary: str
    make: Callable[[], click.Command]


class LazyGroup(click.Group):
    """A group whose commands are made when they are asked for.

    Args:
        entries: Commands by name.
        broken: Names whose plugin could not be loaded, and why.
        formerly: Names that commands had, to those they have.
        examples: Lines for the end of the help.
        alone: What it does where no command is named, called with the context and its own flags; by default it shows
            the help.
        own: These flags.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        entries: Mapping[str, LazyCommand],
        *,
        broken: Mapping[str, str] | None = None,
        formerly: Mapping[str, str] | None = None,
        examples: Sequence[str] = (),
        alone: Callable[..., None] | None = None,
        own: Sequence[click.Parameter] = (),
    ) -> None:
        super().__init__(
            name,
            help=summary,
            epilog=epilog(examples),
            invoke_without_command=True,
            callback=click.pass_context(partial(_by_itself, alone or _help)),
            params=list(own),
            context_settings=SETTINGS,
        )
        self._entries, self._broken, self.examples = entries, broken or {}, tuple(examples)
        self._formerly = formerly or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._entries[cmd_name].make() if cmd_name in self._entries else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self._entries.items():
            sections.setdefault(entry.section, []).append((name, entry.summary))
        wide = max((len(name) for name in self._entries), default=0)
        for title, rows in sections.items():
            with formatter.section(title):
                # The summaries of all sections stand below each other.
                formatter.write_dl([(name.ljust(wide), summary) for name, summary in rows])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            named = next((number for number, word in enumerate(words) if word in self._entries), None)
            if named is None or error.option_name in OTHER_WORDS:
                raise
            verb = [word for word in words[named : named + 2] if not word.startswith("-")]
            right = " ".join([ctx.command_path, *verb, error.option_name])
            raise UserError(f"unknown flag {error.option_name} before a command; did you mean {right} ...?") from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self._entries and not name.startswith("-") and not ctx.resilient_parsing:
            if name in self._broken:
                raise UserError(f"plugin {name!r} could not be loaded: {self._broken[name]}")
            if name in self._formerly:
                raise UserError(f"{name} is {self._formerly[name]} now: becalm {self.name} {self._formerly[name]}")
            if name in OTHER_WORDS:
                raise UserError(f"unknown command {name!r}; did you mean {ctx.command_path} {OTHER_WORDS[name]}?")
            raise unknown("command", name, self._entries)
        return super().resolve_command(ctx, args)


def epilog(examples: Sequence[str]) -> str | None:
    """The examples as the end of a help text, which click leaves as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples) if examples else None


def _by_itself(alone: Callable[..., None], ctx: click.Context, **own: object) -> None:
    """Does what a group does where no command is named; one that is named has no use for the group's own flags."""
    if ctx.invoked_subcommand is None:
        alone(ctx, **own)
        return
    for name in own:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = next(param for param in ctx.command.params if param.name == name)
            raise UserError(f"{option.opts[0]} before {ctx.invoked_subcommand} does nothing: leave it out")


def _help(ctx: click.Context) -> None:
    click.echo(ctx.get_help())
