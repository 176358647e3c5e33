"""``becalm completion``: the script that makes a shell complete commands and flags."""

import click
from click.shell_completion import get_completion_class

from becalm.errors import unknown
from becalm_apps.cli.lazy_group import epilog
from becalm_apps.cli.words import Words

EXAMPLES = (
    "becalm completion bash >> ~/.bashrc",
    "becalm completion zsh >> ~/.zshrc",
    "becalm completion fish > ~/.config/fish/completions/becalm.fish",
)
_SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="Completion of commands and flags for a shell.", epilog=epilog(EXAMPLES))
@click.argument("shell", metavar="|".join(_SHELLS), type=Words(_SHELLS))
def command(shell: str) -> None:
    """Prints the completion script of a shell: bash, zsh or fish."""
    kind = get_completion_class(shell)
    if shell not in _SHELLS or kind is None:
        raise unknown("shell", shell, _SHELLS)
    click.echo(kind(click.Group(), {}, "becalm", "_BECALM_COMPLETE").source())
