"""The command ``becalm``: a noun for every domain of every installed plugin, and a few words of its own."""

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import NoReturn

import click
from click.shell_completion import shell_complete

from becalm.hooks import CommandRef
from becalm.plugins import Plugin, installed
from becalm.version import __version__
from becalm_apps.border import guarded
from becalm_apps.nouns import Maker, Nouns

_COMPLETE = "_BECALM_COMPLETE"


def command() -> click.Command:
    """The whole command, with the plugins installed now."""
    plugins = installed()
    makers: dict[str, Maker] = {}
    for plugin in plugins:
        for ref in plugin.domains:
            makers[ref.name] = (ref.summary, _domain(ref.name, plugins))
    makers["plugins"] = ("The installed plugins, the broken ones with their error.", _plugins)
    makers["completion"] = ("Completion of commands and flags for a shell.", _completion)
    broken = {plugin.name: plugin.error for plugin in plugins if plugin.error is not None}
    root = Nouns("becalm", "Denoising diffusion: sample, train and judge models of many kinds of data.", makers, broken)
    click.version_option(__version__, prog_name="becalm", message="%(prog)s %(version)s")(root)
    return root


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and exits."""
    if not sys.warnoptions and not os.environ.get("BECALM_DEBUG"):
        # What libraries warn of is not for the user of a command to mend.
        warnings.simplefilter("ignore")
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(guarded(lambda: _run(words)))


def _run(words: list[str]) -> None:
    """Does what ``click.Command.main`` does, but leaves every exception to the border."""
    root = command()
    instruction = os.environ.get(_COMPLETE)
    if instruction:
        raise click.exceptions.Exit(shell_complete(root, {}, "becalm", _COMPLETE, instruction))
    with root.make_context("becalm", words) as context:
        root.invoke(context)


def _domain(name: str, plugins: Sequence[Plugin]) -> Callable[[], click.Command]:
    def make() -> click.Command:
        from becalm_apps.domain import verbs

        home, ref = next((plugin, ref) for plugin in plugins for ref in plugin.domains if ref.name == name)
        own: list[CommandRef] = []
        others: list[CommandRef] = []
        for plugin in plugins:
            group = own if plugin.distribution == home.distribution else others
            group += [entry for entry in plugin.commands if entry.domain == name]
        return Nouns(name, ref.summary, verbs(ref, own, others))

    return make


def _plugins() -> click.Command:
    from becalm_apps.plugins import command as plugins_command

    return plugins_command


def _completion() -> click.Command:
    from becalm_apps.completion import command as completion_command

    return completion_command


if __name__ == "__main__":
    main()
