"""constraints.txt pins everything that an installation of becalm brings, within the ranges of pyproject."""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = {canonicalize_name(pin.partition("==")[0]): pin.partition("==")[2] for pin in LINES if not pin.startswith("#")}


def requirements() -> Iterator[Requirement]:
    """What pyproject asks for, in all its extras, but becalm itself."""
    extras = PROJECT["optional-dependencies"].values()
    for line in [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]:
        requirement = Requirement(line)
        if requirement.name != "becalm":
            yield requirement


def test_every_line_is_one_plain_pin() -> None:
    wrong = [line for line in LINES if not re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line)]
    assert not wrong


def test_every_dependency_is_pinned_within_its_range() -> None:
    outside = [
        str(need) for need in requirements() if not need.specifier.contains(PINS.get(canonicalize_name(need.name), "0"))
    ]
    assert not outside


def test_every_package_that_comes_along_is_pinned() -> None:
    waiting = [(canonicalize_name(need.name), tuple(sorted(need.extras))) for need in requirements()]
    seen = set(waiting)
    while waiting:
        package, extras = waiting.pop()
        if package == "torch":  # Its builds differ in what they bring.
            continue
        try:
            lines = importlib.metadata.requires(package) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for need in map(Requirement, lines):
            wanted = need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras))
            key = (canonicalize_name(need.name), tuple(sorted(need.extras)))
            if wanted and key not in seen:
                seen.add(key)
                waiting.append(key)
    assert {package for package, _ in seen} - set(PINS) == set()


def test_the_tested_torch_is_pinned() -> None:
    assert PINS["torch"] == "2.13.0"
