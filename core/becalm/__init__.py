"""becalm: a small core for denoising diffusion, and plugins that use it.

    model = becalm.load("mnist")
    digits = model.sample(label=[7], count=16)
    for step in model.steps(count=4): ...
    model = becalm.fit(network, data)

Anything else is imported from the module that defines it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from becalm.plugin.moved import MOVED as MOVED
from becalm.plugin.moved import forward
from becalm.version import __version__

if TYPE_CHECKING:
    from becalm.errors import UserError
    from becalm.fit import fit
    from becalm.model import Model, load
    from becalm.plugin.kinds import register

forward()

__all__ = ["Model", "UserError", "__version__", "fit", "load", "register"]

_LAZY = {
    "Model": "becalm.model",
    "UserError": "becalm.errors",
    "fit": "becalm.fit",
    "load": "becalm.model",
    "register": "becalm.plugin.kinds",
}


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; a help text must not wait for it. And Ctrl-C is met only once the command runs.
    if name in _LAZY:
        value = globals()[name] = getattr(import_module(_LAZY[name]), name)
        return value
    raise AttributeError(f"module 'becalm' has no attribute {name!r}")
