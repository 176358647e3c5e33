"""Who brings a module that is missing: an extra of becalm, or the distribution whose code imports it.

Nothing else knows a ``pip install`` of a Python package. Imports no torch.
"""

import re

from becalm.plugin.distribution.requirement import requirements

GATHERED = ("all", "dev")
"""Extras of becalm that are everything at once, and what only those who change becalm need."""

_IMPORTED_AS = {"Box2D": "box2d", "PIL": "pillow", "cv2": "opencv-python-headless", "distributed": "dask"}
"""Modules whose name is not that of their distribution."""


def command(module: str, distribution: str = "becalm") -> str | None:
    """The command that brings a module; None if no metadata say what does.

    Args:
        distribution: Whose code imports it. What this one does not ask for, becalm's extras may bring.
    """
    for name in dict.fromkeys((distribution, "becalm")):
        found = [need for need in requirements(name) if _same(need.name, module)]
        kept = [need for need in found if need.extra not in GATHERED]
        if kept:
            return install(name, kept[0].extra)
        if found:
            return f"pip install {found[0].name}"
    return None


def install(distribution: str, extra: str = "") -> str:
    """The command that installs a distribution, with one of its extras."""
    return f"pip install '{distribution}[{extra}]'" if extra else f"pip install {distribution}"


def explain(module: str, *, who: str, distribution: str = "becalm", extra: str = "") -> str:
    """One sentence on a missing module, and the command that brings it.

    Args:
        who: What needs it, such as ``becalm_programs`` or ``the studio``.
        distribution: Whose code that is.
        extra: Of becalm; brings it where no metadata say what does, since it is asked for by what the extra brings.
    """
    package = module.partition(".")[0]
    known = command(package, distribution) or (install("becalm", extra) if extra else None)
    if known is not None:
        return f"{who} needs the package {package!r}, which is not installed: {known}"
    return (
        f"{who} needs the module {package!r}, which is not installed, and {distribution} does not say what brings it: "
        "ask its authors"
    )


def _same(distribution: str, module: str) -> bool:
    return _canonical(distribution) == _canonical(_IMPORTED_AS.get(module, module))


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
