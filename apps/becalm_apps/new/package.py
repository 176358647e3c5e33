"""A whole plugin under a name of one's own: the template, which is a plugin called ring, renamed.

    ring -> sand-dunes        the domain, as in ``becalm sand-dunes train``
    becalm-ring, becalm_ring  -> becalm-sand-dunes, becalm_sand_dunes
    Ring, RingRequest         -> SandDunes, SandDunesRequest

Imports no torch.
"""

import importlib.resources
import importlib.util
import keyword
import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

from becalm.errors import UserError
from becalm.files.atomic import filling
from becalm.plugin import refuse
from becalm.plugin.find import installed
from becalm.plugin.hooks import WORDS
from becalm.version import __version__

NEXT = (
    "pip install --editable {folder}",
    "becalm {name} train",
    "becalm {name} sample --checkpoint runs/{name}.safetensors --count 500 --wall 0.2",
)
"""Commands to go on with, which say ``{name}`` and ``{folder}``."""


def write(name: str, folder: Path) -> None:
    """Writes the package of a plugin with a domain of that name, whole or not at all.

    Raises:
        UserError: If the name is none, or taken; if the folder holds anything or cannot be written.
    """
    refuse.name("plugin", name)
    taken = {ref.name: plugin for plugin in installed() for ref in plugin.domains}
    if name in WORDS:
        raise UserError(f"plugin name {name!r} is a word of becalm's own: take another")
    if name in taken:
        raise UserError(f"domain {name!r} is already brought by {taken[name].distribution}: take another name")
    module = _module(name)
    if importlib.util.find_spec(module) is not None:
        raise UserError(f"a package {module} is already installed: take another name than {name!r}")
    with filling(folder) as temporary:
        for inside, text in files(name).items():
            path = temporary / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def files(name: str) -> dict[str, str]:
    """The files of the package by their path in its folder.

    Args:
        name: Of the domain: small letters and digits, parts joined by hyphens.
    """
    template = dict(_template(importlib.resources.files("becalm_apps.new") / "template"))
    kind = _kind(name, set(re.findall(r"\w+", "\n".join(template.values()))))

    def renamed(text: str) -> str:
        text = re.sub(r"\b(becalm|test)_ring\b", rf"\1_{name.replace('-', '_')}", text)
        text = re.sub(r"\bRing(?=Request\b|\b)", kind, text)
        text = re.sub(r"\bring\b", name, text)
        return re.sub(r"becalm>=[\d.,<]+", f"becalm{supported(__version__)}", text)

    return {renamed(path): renamed(text) for path, text in template.items()}


def supported(version: str) -> str:
    """The versions of becalm that a plugin written for this one goes with: ``>=0.1,<0.2``, from 1 on ``>=1.4,<2``."""
    major, minor = (int(number) for number in re.findall(r"\d+", version)[:2])
    return f">={major}.{minor},<{major + 1}" if major else f">=0.{minor},<0.{minor + 1}"


def _module(name: str) -> str:
    return f"becalm_{name.replace('-', '_')}"


def _kind(name: str, words: set[str]) -> str:
    """The name of the domain's class; another where the template means something else by it."""
    kind = "".join(part.capitalize() for part in name.split("-"))
    taken = {kind, f"{kind}Request"} & (words - {"Ring", "RingRequest"})
    return f"{kind}Domain" if taken or keyword.iskeyword(kind) else kind


def _template(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _template(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(".txt"):
            yield above + entry.name.removesuffix(".txt"), entry.read_text(encoding="utf-8")
