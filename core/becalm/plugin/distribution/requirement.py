"""What an installed distribution asks for on this machine, and whether it is there."""

import importlib.metadata
from dataclasses import dataclass

from packaging import requirements as lines


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that a distribution asks for.

    Attributes:
        bounds: As the metadata have them, such as ``>=3.3,<4``.
        extra: The extra that asks for it; empty if the distribution itself does.
        version: The one installed, or None.
        met: Whether it is installed in a version within the bounds.
    """

    name: str
    bounds: str
    extra: str
    version: str | None
    met: bool


def requirements(distribution: str) -> list[Requirement]:
    """All that a distribution asks for, its extras included; nothing if it is not installed.

    What is asked for on other machines or by other versions of Python is left out.
    """
    try:
        about = importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return []
    extras = ["", *(about.metadata.get_all("Provides-Extra") or [])]
    needs: list[Requirement] = []
    for line in about.requires or []:
        try:
            asked = lines.Requirement(line)
        except lines.InvalidRequirement:  # Old metadata may hold anything; pip does not read such a line either.
            continue
        wanting = next((extra for extra in extras if _applies(asked, extra)), None)
        if wanting is not None:
            needs.append(_look_up(asked, wanting))
    return needs


def _applies(asked: lines.Requirement, extra: str) -> bool:
    return asked.marker is None or asked.marker.evaluate({"extra": extra})


def _look_up(asked: lines.Requirement, extra: str) -> Requirement:
    try:
        version = importlib.metadata.version(asked.name)
    except importlib.metadata.PackageNotFoundError:
        return Requirement(asked.name, str(asked.specifier), extra, None, met=False)
    met = asked.specifier.contains(version, prereleases=True)
    return Requirement(asked.name, str(asked.specifier), extra, version, met)
