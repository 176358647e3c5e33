"""A line ``{modules PACKAGE}`` on a page becomes the reference of every module of that package, each under its name;
``{modules PACKAGE alone}`` that of its modules without the packages within it.
"""

import pkgutil
import re
from importlib.util import find_spec
from typing import Any

from sphinx.application import Sphinx

_LINE = re.compile(r"^\{modules ([\w.]+)( alone)?\}$", re.MULTILINE)


def modules(package: str, *, alone: bool = False) -> list[str]:
    """The modules of a package and of those below it, in order of name; not the empty ones that only hold others.

    Args:
        alone: Without packages within it.
    """
    found = find_spec(package)
    if found is None or found.submodule_search_locations is None:
        raise ValueError(f"there is no package {package}")
    walk = pkgutil.iter_modules if alone else pkgutil.walk_packages
    below = list(walk(list(found.submodule_search_locations), f"{package}."))
    shown = [module.name for module in below if not module.name.rpartition(".")[2].startswith("_")]
    inside = {module.name for module in below if alone and module.ispkg}
    return [package, *(name for name in shown if name not in inside)]


def expand(text: str) -> str:
    """The page with what its lines stand for."""
    return _LINE.sub(lambda line: "\n\n".join(map(_block, modules(line[1], alone=bool(line[2])))), text)


def _block(module: str) -> str:
    return f"## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n```"


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = expand(source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Has every page expanded as it is read."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
