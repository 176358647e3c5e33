"""Modules under the names of becalm 0.1: importing one gives the module where it is now, and a warning that names it.

A package says what moved in it by a dictionary ``MOVED`` of its own, old name to new. Imports no torch.
"""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "becalm.bound": "becalm.objective.bound",
    "becalm.card": "becalm.files.card",
    "becalm.checkpoint": "becalm.files.checkpoint",
    "becalm.embedding": "becalm.network.embedding",
    "becalm.fetch": "becalm.files.fetch",
    "becalm.hooks": "becalm.plugin.hooks",
    "becalm.hub": "becalm.files.hub",
    "becalm.muon": "becalm.train.muon",
    "becalm.place": "becalm.files.atomic",
    "becalm.plan": "becalm.train.plan",
    "becalm.plugins": "becalm.plugin.find",
    "becalm.preset": "becalm.plugin.preset",
    "becalm.refuse": "becalm.plugin.refuse",
    "becalm.report": "becalm.plugin.report",
    "becalm.resume": "becalm.train.resume",
    "becalm.sampler.ancestral": "becalm.sampler.ddpm",
    "becalm.sampler.dpmpp": "becalm.sampler.dpmpp2m",
    "becalm.sampler.ode": "becalm.sampler.euler",
    "becalm.table": "becalm.schedule.table",
    "becalm.widget": "becalm.plugin.widget",
}


class Forwarding(MetaPathFinder, Loader):
    """Finds a module that moved, and loads the one at its new place."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package = sys.modules.get(name.partition(".")[0])
        return ModuleSpec(name, self) if name in getattr(package, "MOVED", {}) else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own empty module, which ``exec_module`` replaces."""

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        new = sys.modules[old.partition(".")[0]].MOVED[old]
        warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=2)
        sys.modules[old] = importlib.import_module(new)


def forward() -> None:
    """Has Python look for moved modules, after all other places."""
    if not any(isinstance(finder, Forwarding) for finder in sys.meta_path):
        sys.meta_path.append(Forwarding())
