"""becalm: a small core for denoising diffusion, and plugins that use it.

    model = becalm.load("mnist")
    digits = model.sample(label=[7], count=16)
    for step in model.steps(count=4): ...

Anything else is imported from the module that defines it.
"""

from typing import TYPE_CHECKING, Any

from becalm.errors import UserError
from becalm.plugin.moved import MOVED as MOVED
from becalm.plugin.moved import forward
from becalm.version import __version__

if TYPE_CHECKING:
    from becalm.model import Model, load

forward()

__all__ = ["Model", "UserError", "__version__", "load"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; a help text must not wait for it.
    if name in ("Model", "load"):
        from becalm import model

        return getattr(model, name)
    raise AttributeError(f"module 'becalm' has no attribute {name!r}")
