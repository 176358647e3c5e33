"""Words that a flag is likely to take, for a shell to complete."""

from collections.abc import Collection

import click
from click.shell_completion import CompletionItem


class Words(click.ParamType):  # type: ignore[type-arg] # generic from click 8.4 on only
    """Text whose likely values are known, for completion; pydantic alone says what is valid.

    Args:
        files: Whether it may name a file, which is offered where no word fits.
    """

    name = "text"

    def __init__(self, choices: Collection[str] = (), *, files: bool = False) -> None:
        self.choices, self.files = choices, files

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        matches = [CompletionItem(word) for word in self.choices if word.startswith(incomplete)]
        return matches if matches or not self.files else [CompletionItem(incomplete, type="file")]
