"""Colours and the like: on terminals alone, and not where NO_COLOR asks for none (no-color.org)."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console(*, stderr: bool = False) -> "Console":
    """A console for stdout or stderr; where NO_COLOR is set and not empty, its text has no styles at all."""
    from rich.console import Console

    return Console(stderr=stderr, color_system=None if os.environ.get("NO_COLOR") else "auto")
