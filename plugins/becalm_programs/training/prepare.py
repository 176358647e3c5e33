"""Labelled instances of a family to train on, made where there are none: generated, searched for solutions, kept.

They stand in the folder of downloaded data ($BECALM_DATA, else the user's cache), so the search is done once; one that
was stopped goes on. Training instances have seeds from 1000 on: those below are for tests.
"""

import os
import sys
from pathlib import Path

from becalm.files.fetch import home
from becalm.plugin.report import Progress
from becalm_programs.options import FamilyName, GenerateOptions, LabelOptions, SizeName
from becalm_programs.training import generate, label

FIRST = 1000


def prepare(family: FamilyName, size: SizeName, count: int, seconds: float) -> Path:
    """The folder with labelled instances of seeds ``FIRST`` to ``FIRST + count - 1``.

    Args:
        seconds: Search per instance, on one core; all cores of this machine work.

    Raises:
        UserError: If the place cannot be written, or highspy is not installed.
    """
    folder = home() / "programs" / f"{family}-{size}-{count}"
    make = GenerateOptions(family=family, size=size, count=count, seed=FIRST, out=str(folder))
    search = LabelOptions(folder=str(folder), seconds=seconds, workers=os.cpu_count() or 1)
    for title, reports in (("generating", generate.run(make)), ("labelling", label.run(search))):
        for report in reports:
            if isinstance(report, Progress):
                _show(f"{title} {family} instances", report)
    return folder


def _show(title: str, progress: Progress) -> None:
    """A line on stderr that counts; silent unless a person is looking."""
    if sys.stderr.isatty():
        end = "\n" if progress.done >= progress.total else ""
        sys.stderr.write(f"\r{title}  {progress.done} of {progress.total}{end}")
        sys.stderr.flush()
