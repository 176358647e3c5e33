"""``becalm completion``: the script that makes a shell complete commands and flags."""

import click
from click.shell_completion import get_completion_class

from becalm.errors import UserError

# \b is click's mark for lines to keep as they are.
_HELP = """Prints the completion script of a shell: bash, zsh or fish.

\b
bash: becalm completion bash >> ~/.bashrc
zsh:  becalm completion zsh >> ~/.zshrc
fish: becalm completion fish > ~/.config/fish/completions/becalm.fish
"""


@click.command("completion", help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Prints the completion script of a shell."""
    kind = get_completion_class(shell)
    if kind is None:
        raise UserError(f"there is no completion for shell {shell!r}: known are bash, zsh, fish")
    click.echo(kind(click.Group(), {}, "becalm", "_BECALM_COMPLETE").source())
