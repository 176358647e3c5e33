"""What programs use beyond Python packages, for ``becalm doctor``: the solvers."""

import importlib.metadata
from collections.abc import Iterator

from becalm.plugin.report import Need
from becalm_programs.solvers.registry import SOLVERS, find, installed


def needs() -> Iterator[Need]:
    """Each solver with where it comes from."""
    for solver in map(find, SOLVERS):
        version = f"{solver.package} {importlib.metadata.version(solver.package)}" if installed(solver.name) else None
        yield Need(solver.title, version, f"pip install {solver.install}")
