"""What programs use beyond Python packages, for ``becalm doctor``: the solvers."""

import importlib.metadata
from collections.abc import Iterator

from becalm.errors import UserError
from becalm.plugin.report import Need


def needs() -> Iterator[Need]:
    """HiGHS, CBC and SCIP, each with where it comes from."""
    yield Need("HiGHS", _from("highspy"), "pip install 'becalm[programs]'")
    yield Need("CBC", _cbc(), "pip install 'becalm[programs]'")
    yield Need("SCIP", _from("pyscipopt"), "pip install 'becalm[scip]'")


def _from(package: str) -> str | None:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return None


def _cbc() -> str | None:
    from becalm_programs.solvers.cbc import binary

    try:
        binary()
    except UserError:
        return None
    return _from("pulp")
