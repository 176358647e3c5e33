"""A group of commands that are made when they are asked for, so that a list of them imports nothing."""

from collections.abc import Callable, Mapping

import click

from becalm.errors import UserError, unknown

Maker = tuple[str, Callable[[], click.Command]]
"""A summary for the list, and what makes the command."""


class Nouns(click.Group):
    """A group whose commands are made when they are asked for.

    Args:
        makers: Command names to a summary and what makes the command.
        broken: Names whose plugin could not be loaded, and why.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        makers: Mapping[str, Maker],
        broken: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, help=summary, invoke_without_command=True, callback=_help)
        self._makers, self._broken = makers, broken or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._makers)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._makers[cmd_name][1]() if cmd_name in self._makers else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (summary, _) in self._makers.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self._makers and not name.startswith("-") and not ctx.resilient_parsing:
            if name in self._broken:
                raise UserError(f"plugin {name!r} could not be loaded: {self._broken[name]}")
            raise unknown("command", name, self._makers)
        return super().resolve_command(ctx, args)


@click.pass_context
def _help(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
