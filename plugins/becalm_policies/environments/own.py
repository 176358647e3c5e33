"""An environment of one's own: ``module:Id`` imports what registers it, ``module:Class`` needs no registration.

What is stored, in demonstrations and checkpoints, is the id alone: a module is imported for whoever typed it, never
because a file says so.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from becalm.errors import UserError


def id_of(name: str) -> str:
    """The id in ``module:Id``, or the id itself."""
    return name.rpartition(":")[2]


def bring(name: str) -> None:
    """Imports the module of ``module:Id``, so that it registers its environments; a class there is registered by name.

    Raises:
        UserError: If there is no such module, or it fails.
    """
    import gymnasium

    module_name, _, id = name.rpartition(":")
    found = getattr(module(module_name, f"environment {name!r}"), id, None)
    if id not in gymnasium.registry and isinstance(found, type) and issubclass(found, gymnasium.Env):
        gymnasium.register(id, entry_point=f"{module_name}:{id}")


def module(name: str, who: str) -> ModuleType:
    """A module of the user's, which may stand in the current folder.

    Args:
        who: What needs it, as the sentence begins.

    Raises:
        UserError: If there is none, or it fails.
    """
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UserError(f"{who}: there is no module {error.name!r} here or installed") from error
    except Exception as error:
        raise UserError(f"{who}: its module fails with {type(error).__name__}: {error}") from error
