"""Whose fault an exception is: the plugin whose code it left last, told by the modules of its traceback.

Imports no torch.
"""

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from types import TracebackType

from becalm.errors import first_line
from becalm.plugin.distribution import missing
from becalm.plugin.distribution.entry import distribution, entries, owner, title


def blame(error: BaseException) -> str | None:
    """``plugin X of D: module:line: what``, where an exception came out of a plugin's code; None for becalm's own."""
    places = list(_places(error))
    if not places:
        return None
    entry, place = places[-1]
    return f"{title(entry)}: {place}: {said(error)}"


def needs(error: ModuleNotFoundError, who: str) -> str:
    """One sentence on a module that is missing, and what brings it.

    Args:
        who: What needs it, where no plugin does.
    """
    places = list(_places(error))
    if not places:
        return missing.explain(str(error.name), who=who)
    entry, _ = places[-1]
    return missing.explain(str(error.name), who=title(entry), distribution=distribution(entry)[0])


def said(error: BaseException) -> str:
    """An exception's type and first line."""
    kind, line = type(error).__name__, first_line(error)
    return f"{kind}: {line}" if line != kind else kind


def _places(error: BaseException) -> Iterator[tuple[EntryPoint, str]]:
    """The places in plugins that an exception went through, the outermost first."""
    among = entries()
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__"))
        entry = owner(module, among)
        if entry is not None:
            yield entry, f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
