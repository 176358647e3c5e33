"""The command ``becalm``: a noun for every domain of every installed plugin, and a few words of its own."""

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

import click
from click.shell_completion import shell_complete

from becalm.plugin.find import Plugin, installed, of_domain
from becalm.plugin.hooks import WORDS
from becalm.version import __version__
from becalm_apps.cli import document
from becalm_apps.cli.error_boundary import exit_code
from becalm_apps.cli.lazy_group import LazyCommand, LazyGroup
from becalm_apps.cli.process.interrupt import defer_interrupts
from becalm_apps.cli.process.streams import attach

_COMPLETE = "_BECALM_COMPLETE"
_SUMMARY = "Denoising diffusion: sample, train and judge models of many kinds of data."

# Section, name, summary, and the module here whose ``command`` it is, which is imported when the word is used.
_COMMANDS = (
    ("Tools", "studio", "A web page to watch and steer the models of all domains.", "studio.command"),
    ("Tools", "runs", "The trainings tracked: list and compare them, open their page.", "runs.command"),
    ("Tools", "show", "How a result was made, as its file says it.", "results.show"),
    ("Tools", "again", "Make a result once more, and compare.", "results.again"),
    ("Tools", "distil", "Distil a model into one of few calls.", "verbs.distil"),
    ("Tools", "fit-steps", "Fit the levels of a few steps to a model.", "verbs.fit_steps"),
    ("Sharing", "export", "Write a checkpoint with its card for others.", "share.export"),
    ("Sharing", "import", "Take over a checkpoint that someone shares.", "share.import_checkpoint"),
    ("Sharing", "push", "Send a checkpoint with its card to the hub.", "share.push"),
    ("Setup", "plugins", "The installed plugins, the broken ones with their error.", "setup.plugins"),
    (
        "Setup",
        "doctor",
        "What is installed, what is missing, and the command that mends it.",
        "setup.doctor",
    ),
    ("Setup", "completion", "Completion of commands and flags for a shell.", "setup.completion"),
)


def command(plugins: Sequence[Plugin] | None = None) -> click.Group:
    """The whole command, with the plugins given, or those installed now."""
    plugins = installed() if plugins is None else plugins
    refs = [ref for plugin in plugins for ref in plugin.domains]
    entries = {ref.name: LazyCommand("Domains", ref.summary, _domain(ref.name, plugins)) for ref in refs}
    # No domain takes one of these words away.
    entries |= {name: LazyCommand(section, text, partial(_own, module)) for section, name, text, module in _COMMANDS}
    broken = {plugin.name: plugin.error for plugin in plugins if plugin.error is not None}
    ready = next((ref.name for ref in refs if ref.default), None)
    first = [f"becalm {ready} sample --out samples.png", f"becalm {ready} sample --help"] if ready else []
    root = LazyGroup("becalm", _SUMMARY, entries, broken=broken, examples=[*first, "becalm doctor"])
    click.version_option(__version__, prog_name="becalm", message="%(prog)s %(version)s")(root)
    return root


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and exits."""
    if not sys.warnoptions and not os.environ.get("BECALM_DEBUG"):
        # What libraries warn of is not for the user of a command to mend.
        warnings.simplefilter("ignore")
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
    attach()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if document.asked(words):
        with document.alone():
            sys.exit(exit_code(lambda: _run(words), as_document=True))
    sys.exit(exit_code(lambda: _run(words)))


def _run(words: list[str]) -> None:
    """Does what ``click.Command.main`` does, but leaves every exception to the border."""
    root = command(_wanted(words))
    instruction = os.environ.get(_COMPLETE)
    if instruction:
        raise click.exceptions.Exit(shell_complete(root, {}, "becalm", _COMPLETE, instruction))
    with defer_interrupts(), root.make_context("becalm", words) as context:
        root.invoke(context)


def _wanted(words: Sequence[str]) -> list[Plugin]:
    """The plugins that a command needs: those of its domain; all where the domains are listed, or none is named."""
    noun = next(iter(words), "-")
    # The command "plugins" lists them all, and reads the examples of their verbs.
    if os.environ.get(_COMPLETE) or noun.startswith("-") or noun == "plugins":
        return installed()
    return [] if noun in WORDS else of_domain(noun)


def _domain(name: str, plugins: Sequence[Plugin]) -> Callable[[], click.Command]:
    def make() -> click.Command:
        from becalm_apps.verbs.domain import group_of

        return group_of(name, plugins)

    return make


def _own(module: str) -> click.Command:
    command: click.Command = importlib.import_module(f"becalm_apps.{module}").command
    return command


if __name__ == "__main__":
    main()
