"""Standard streams for a process that was started without some of them, as cron and services do."""

import os
import sys
from pathlib import Path


def attach() -> None:
    """Opens each stream that is closed on nothing, so that no file gets its number and none of us has to ask."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 (as long as we run)
