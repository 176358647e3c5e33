"""An environment by its id: one with flat Box observations and Box actions, or one sentence that says why not."""

import os
import re
import warnings
from typing import Any

from becalm.errors import UserError, first_line, nearest
from becalm.plugin.distribution.missing import command, explain
from becalm_policies.environments.known import PUSHT

_SUGGESTED = ("becalm/Claw-v0", "becalm/Fork-v0", "BipedalWalker-v3", "LunarLander-v3", "Pendulum-v1", PUSHT)
_SETTINGS: dict[str, dict[str, Any]] = {"LunarLander-v3": {"continuous": True}, PUSHT: {"obs_type": "state"}}


def make(id: str, *, render: bool = False, imports: bool = False) -> Any:
    """A ``gymnasium.Env`` whose observations and actions are vectors.

    LunarLander-v3 comes with continuous actions and Push-T with its state of five numbers. Boxes of more dimensions are
    flattened, but for pictures.

    Args:
        id: As gymnasium knows it.
        render: Whether ``env.render()`` gives pictures, (H, W, 3) uint8.
        imports: Whether the id may be ``module:Id``, which imports that module; never for an id that a file holds.

    Raises:
        UserError: If there is no such environment, it needs a package that is missing, or its spaces are no boxes.
    """
    _quiet()
    try:
        import gymnasium

        from becalm_policies.environments.register import register

        register()
        if id.startswith("gym_pusht/"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                import gym_pusht  # noqa: F401 (registers itself)
    except ModuleNotFoundError as error:
        raise UserError(explain(str(error.name), who=f"environment {id}", extra="policies")) from error
    if ":" in id and not imports:
        raise UserError(f"environment {id!r} would import a module: register it with gymnasium and give its id alone")
    settings = dict(_SETTINGS.get(id, {}))
    if render:
        settings["render_mode"] = "rgb_array"
    try:
        with warnings.catch_warnings():
            # gymnasium warns of what it then raises, and of what swig wrote.
            warnings.simplefilter("ignore", DeprecationWarning)
            env = gymnasium.make(id, disable_env_checker=True, **settings)
    except gymnasium.error.DependencyNotInstalled as error:
        raise UserError(f"environment {id} needs more: {_package(error)}") from error
    except gymnasium.error.UnregisteredEnv as error:
        known = ", ".join(_SUGGESTED)
        near = nearest(id, _SUGGESTED) or nearest(id, list(gymnasium.registry))
        raise UserError(f"unknown environment {id!r}: known are {known} and what gymnasium has{near}") from error
    except gymnasium.error.Error as error:
        raise UserError(f"environment {id!r} cannot be made: {first_line(error)}") from error
    except ModuleNotFoundError as error:
        raise UserError(f"environment {id} needs the module {error.name!r}, which is not installed") from error
    return _flat(env, id)


def _flat(env: Any, id: str) -> Any:
    import gymnasium
    import numpy as np

    for what, space in (("observations", env.observation_space), ("actions", env.action_space)):
        if not isinstance(space, gymnasium.spaces.Box) or not np.issubdtype(space.dtype, np.floating):
            env.close()
            kind = f"{type(space).__name__} of {space.dtype}" if space.dtype is not None else type(space).__name__
            raise UserError(f"{what} of environment {id} must be a Box of floats, got {kind}")
    if len(env.observation_space.shape) != 1:
        env = gymnasium.wrappers.FlattenObservation(env)
    shape = env.action_space.shape
    if len(shape) != 1:
        low, high = env.action_space.low.reshape(-1), env.action_space.high.reshape(-1)
        flat = gymnasium.spaces.Box(low, high, dtype=env.action_space.dtype)
        env = gymnasium.wrappers.TransformAction(env, lambda action: np.reshape(action, shape), flat)
    return env


def _quiet() -> None:
    """Lets pygame work without a screen and without its greeting; must come before it is imported."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")


def _package(error: Exception) -> str:
    """What gymnasium says is to be installed; box2d under the name that goes with Push-T's pygame."""
    if "ox2" in str(error):
        return command("Box2D") or first_line(error)
    found = re.search(r"pip install [^`\n]*[^`\n.,]", str(error))
    return found.group(0) if found else first_line(error)
