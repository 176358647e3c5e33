"""Entry points of the group ``becalm``: which distributions bring plugins, before any of these is imported."""

import contextlib
import importlib.metadata
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint
from pathlib import Path


def entries() -> Sequence[EntryPoint]:
    """The entry points of every distribution, the first of each name on the path, as Python finds packages."""
    return _entries(tuple((place, _changed(Path(place))) for place in sys.path))


def _changed(place: Path) -> int:
    try:
        return place.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=2)
def _entries(path: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    """The same, read once as long as no folder of the path changes: it takes a look at every distribution."""
    found: dict[str, list[EntryPoint]] = {}
    for distribution in importlib.metadata.distributions():
        # A distribution whose own files are damaged is as good as not installed.
        with contextlib.suppress(Exception):
            mine = list(distribution.entry_points.select(group="becalm"))
            if mine:  # Names are read from long texts; most distributions are none of ours.
                found.setdefault(_identity(distribution)[0], mine)
    return tuple(entry for mine in found.values() for entry in mine)


def distribution(entry: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution that an entry point is of."""
    return _identity(entry.dist) if entry.dist else ("?", "?")


@lru_cache(maxsize=64)
def _identity(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Name and version, read once: they stand in one text with the whole of a README."""
    metadata = distribution.metadata
    return metadata["Name"], metadata["Version"]


def title(entry: EntryPoint) -> str:
    """What a plugin is called in a sentence."""
    return f"plugin {entry.name!r} of {distribution(entry)[0]}"


def owner(module: str, among: Sequence[EntryPoint]) -> EntryPoint | None:
    """The entry point of the stranger's plugin that brings a module; None if becalm itself does, or none."""
    top = module.partition(".")[0]
    return next((entry for entry in among if _top(entry) == top and distribution(entry)[0] != "becalm"), None)


def _top(entry: EntryPoint) -> str:
    return entry.value.partition(":")[0].partition(".")[0]
