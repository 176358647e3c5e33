"""A verb as a click command: flags from a form, flags of its own, and a function that does it.

The form is made when it is first needed: a list of verbs must not import what one of them needs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from pydantic import BaseModel

from becalm.errors import UserError
from becalm.plugin.settings import Settings
from becalm_apps.cli import common, config_file
from becalm_apps.cli.flags import Flag, Operand
from becalm_apps.cli.form import Form
from becalm_apps.cli.lazy_group import epilog
from becalm_apps.fields.nested import spell_out


@dataclass(frozen=True, slots=True)
class Call:
    """What a verb is called with.

    Attributes:
        settings: The validated settings.
        own: Values of the verb's own flags.
        given: Settings that stood on the command line, as the user calls them, such as --steps; or --config.
    """

    settings: BaseModel
    own: Mapping[str, Any]
    given: tuple[str, ...]


class Verb(click.Command):
    """A command whose flags are those of a form, with ``--config`` and ``--print-config``, and its own.

    Args:
        form: Makes the form, given the names that are taken.
        own: The verb's own options.
        run: Does it.
        examples: Lines for the end of the help.
        base: What the settings are where neither a file nor a flag says otherwise, given the verb's own options.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        *,
        form: Callable[[Sequence[str]], Form],
        own: Sequence[click.Option],
        run: Callable[[Call], None],
        examples: Sequence[str] = (),
        base: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    ) -> None:
        # Without a callback click never knows that it ran; the work is in invoke.
        super().__init__(name, help=summary, short_help=summary, epilog=epilog(examples))
        self.examples = tuple(examples)
        self._own = [*own, *_config_options()]
        self._make = form
        self._run, self._base = run, base
        self._form: Form | None = None

    @property
    def form(self) -> Form:
        """The form, made at first use."""
        if self._form is None:
            names = [option.removeprefix("--") for own in self._own for option in (*own.opts, *own.secondary_opts)]
            self._form = self._make([*names, "help"])
        return self._form

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        help_option = self.get_help_option(ctx)
        own = [*self._own, help_option] if help_option is not None else self._own
        return [*(flag.option for flag in self.form.flags), *own]

    def make_parser(self, ctx: click.Context) -> Any:
        parser = super().make_parser(ctx)
        for flag in self.form.flags:
            for old in flag.old:
                # Parsed into the place of the flag, which alone is shown and processed.
                old.add_to_parser(parser, ctx)
        return parser

    def sections(self, ctx: click.Context) -> dict[str, list[click.Parameter]]:
        """What stands below each title of the help, in order."""
        sections: dict[str, list[click.Parameter]] = {}
        # What is the domain's or the verb's own comes first.
        for flag in sorted(self.form.flags, key=lambda flag: flag.section not in (self.form.domain, "options")):
            words = isinstance(flag.option, Operand)
            sections.setdefault("arguments" if words else flag.section, []).append(flag.option)
        if "arguments" in sections:
            sections = {"arguments": sections.pop("arguments"), **sections}
        options = {id(flag.option) for flag in self.form.flags}
        sections["command"] = [option for option in self.get_params(ctx) if id(option) not in options]
        return {title.capitalize(): members for title, members in sections.items()}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, members in self.sections(ctx).items():
            with formatter.section(title):
                records = (option.get_help_record(ctx) for option in members)
                formatter.write_dl([record for record in records if record is not None])

    def invoke(self, ctx: click.Context) -> None:
        chosen = {flag: ctx.params[str(flag.option.name)] for flag in self.form.flags}
        # A list of words without a flag is empty, not None, where it was left out.
        given = {flag: value for flag, value in chosen.items() if value not in (None, ())}
        own = {str(option.name): ctx.params[str(option.name)] for option in self._own}
        source = own.pop("config")
        file = config_file.read(source) if source is not None else {}
        if self._base is not None:
            model = self.form.model
            # Spelled alike, so that a name of an earlier version in one meets the name of today in the other.
            file = _over(spell_out(model, self._base(own)), spell_out(model, file))
        settings = self.form.fill(given, file, source)
        if own.pop("print_config"):
            click.echo(config_file.toml(self.form.table(settings)), nl=False)
            return
        _refuse_idle(settings, given)
        names = [flag.shown for flag in given] + (["--config"] if source is not None else [])
        self._run(Call(settings, own, tuple(names)))


def _refuse_idle(settings: BaseModel, given: Iterable[Flag]) -> None:
    """Refuses flags that would do nothing beside the others."""
    idle = settings.idle() if isinstance(settings, Settings) else {}
    for flag in given:
        if (where := idle.get(flag.path[0])) is not None:
            raise UserError(f"{flag.shown} does nothing {where}: leave it out")


def _over(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """A table over another: what both hold as tables is put together likewise, unless they are of different kinds."""
    both = {
        key: (base[key], value)
        for key, value in table.items()
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
    }
    alike = {key: pair for key, pair in both.items() if _kind(*pair) == _kind(*reversed(pair))}
    return {**base, **table, **{key: _over(*pair) for key, pair in alike.items()}}


def _kind(table: Mapping[str, Any], other: Mapping[str, Any]) -> Any:
    """The kind that a table of settings names, or that of the other where it names none."""
    return table.get("kind", other.get("kind"))


def _config_options() -> list[click.Option]:
    return [
        common.file("--config", "Settings to start from, TOML or JSON."),
        click.Option(["--print-config"], is_flag=True, help="Print the settings as TOML and do nothing."),
    ]
