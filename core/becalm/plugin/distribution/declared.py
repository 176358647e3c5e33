"""What a plugin's file says of itself, read and not run: who is not asked for is not waited for.

@hookimpl
def domains(): return [DomainRef("wave", ...)]      brings no kinds, no verbs; and nothing to images
"""

import ast
import importlib.util
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from becalm.errors import nearest

_DYNAMIC = frozenset({"globals", "locals", "vars", "setattr", "exec", "eval", "__getattr__"})
_REFERENCES = ("DomainRef", "CommandRef", "KindRef")


def may_bring(module: str, hook: str, word: str = "") -> bool:
    """Whether a plugin may have a hook that names a word; true wherever its file leaves that open.

    Args:
        module: What its entry point names.
        word: Such as a domain or a checkpoint.
    """
    path = _source(module)
    words = None if path is None else _words(path, module, path.stat().st_mtime_ns)
    return words is None or (hook in words and (not word or word in words))


def dangling(target: str) -> str | None:
    """Why ``package.module:name`` leads nowhere, as far as files tell; None if it seems to lead somewhere."""
    module, _, name = target.partition(":")
    top, *below = module.split(".")
    package = _source(top)
    if package is None or not below or package.name != "__init__.py":
        return None
    inside = package.parent.joinpath(*below)
    path = next((path for path in (inside.with_suffix(".py"), inside / "__init__.py") if path.is_file()), None)
    if path is None:
        # It may be there in another form, such as compiled.
        return None if list(inside.parent.glob(f"{inside.name}.*")) else f"{target}: there is no module {module}"
    bound = _bound(path, path.stat().st_mtime_ns)
    if bound is None or name in bound:
        return None
    return f"{target}: {module} has no {name!r}{nearest(name, bound)}"


@lru_cache(maxsize=256)
def _bound(path: Path, changed: int) -> frozenset[str] | None:
    """The names that a module binds, wherever it does; None if it may bind others."""
    nodes = _nodes(path)
    if nodes is None:
        return None
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Name):
            names |= _DYNAMIC & {node.id}
    return None if names & _DYNAMIC or "*" in names else frozenset(names)


def _nodes(path: Path) -> Iterator[ast.AST] | None:
    """All that a file's text says; None if it cannot be read."""
    try:
        return ast.walk(ast.parse(path.read_bytes()))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _source(module: str) -> Path | None:
    # Of a module inside a package, the search would import the package.
    if "." in module or ":" in module:
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    path = Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
    return path if path is not None and path.suffix == ".py" and path.is_file() else None


@lru_cache(maxsize=256)
def _words(path: Path, package: str, changed: int) -> frozenset[str] | None:
    """The names that a file binds and its texts; None if it may do more than it says."""
    nodes = _nodes(path)
    if nodes is None:
        return None
    words: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            words.add(node.name)
        elif isinstance(node, ast.alias):
            words.add(node.asname or node.name)
        elif isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
        if (isinstance(node, ast.Call) and not _literal(node)) or _borrows(node, package):
            return None
    return None if words & _DYNAMIC or "*" in words else frozenset(words)


def _borrows(node: ast.AST, package: str) -> bool:
    """Whether names come from where they may hold references, or references get another name."""
    if not isinstance(node, ast.ImportFrom):
        return False
    own = node.level > 0 or str(node.module).partition(".")[0] == package
    return own or any(alias.name in _REFERENCES and alias.asname is not None for alias in node.names)


def _literal(call: ast.Call) -> bool:
    """Whether a reference that is made here says by a text what it is of; true of all other calls."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name not in _REFERENCES:
        return True
    said = [*call.args[:1], *(word.value for word in call.keywords if word.arg in ("domain", "name", "room"))]
    return bool(said) and all(isinstance(value, ast.Constant) for value in said)
