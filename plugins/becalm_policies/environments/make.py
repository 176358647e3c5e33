"""An environment by its id: one whose observations and actions are vectors, or one sentence that says why not."""

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from becalm.errors import UserError, first_line, nearest
from becalm.plugin.distribution.missing import command, explain
from becalm_policies.environments.known import PUSHT, observation_names
from becalm_policies.environments.own import bring, id_of

_SUGGESTED = ("becalm/Claw-v0", "becalm/Fork-v0", "BipedalWalker-v3", "LunarLander-v3", "Pendulum-v1", PUSHT)
_CHOICES = ("Discrete", "MultiDiscrete", "MultiBinary")
_SETTINGS: dict[str, dict[str, Any]] = {"LunarLander-v3": {"continuous": True}, PUSHT: {"obs_type": "state"}}


def make(
    id: str,
    *,
    render: bool = False,
    imports: bool = False,
    keys: Sequence[str] | None = None,
    cameras: Mapping[str, tuple[int, int]] | None = None,
) -> Any:
    """A ``gymnasium.Env`` whose observations and actions are vectors; with cameras, dicts of ``environments.pictures``.

    LunarLander-v3 comes with continuous actions and Push-T with its state of five numbers. Boxes of more dimensions,
    Dicts and Tuples of them are flattened by the rule of ``environments.flat``, without pictures.

    Args:
        id: As gymnasium knows it.
        render: Whether ``env.render()`` gives pictures, (H, W, 3) uint8.
        imports: Whether the id may be ``module:Id`` or ``module:Class``, which imports that module; never for an id
            that a file holds.
        keys: Parts of a Dict's observation to keep, in that order; default: all that are vectors. An environment
            whose observation has no parts looks away.
        cameras: Height and width of each camera's pictures, for a policy that sees.

    Raises:
        UserError: If there is no such environment, it needs a package that is missing, its observations hold no vectors
            or no such key, its actions are no box, or there is no such camera.
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
    if ":" in id:
        if not imports:
            raise UserError(
                f"environment {id!r} would import a module: register it with gymnasium and give its id alone"
            )
        bring(id)
        id = id_of(id)
    settings = dict(_SETTINGS.get(id, {}))
    if cameras and id == PUSHT:
        height, width = next(iter(cameras.values()))
        settings |= {"obs_type": "pixels_agent_pos", "observation_height": height, "observation_width": width}
    if render or cameras:
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
        own = f"; one of your own is named with its module, as in module:{id}" if not near else ""
        raise UserError(f"unknown environment {id!r}: known are {known} and what gymnasium has{near}{own}") from error
    except gymnasium.error.Error as error:
        raise UserError(f"environment {id!r} cannot be made: {first_line(error)}") from error
    except ModuleNotFoundError as error:
        raise UserError(f"environment {id} needs the module {error.name!r}, which is not installed") from error
    except Exception as error:
        raise UserError(f"environment {id} cannot be made, {type(error).__name__}: {first_line(error)}") from error
    try:
        return _flat(env, id, keys, cameras or {})
    except UserError:
        env.close()
        raise


def entry_names(env: Any, size: int) -> list[str] | None:
    """What the entries of the observations of a made environment are called, where that is known."""
    id = "" if env.spec is None else env.spec.id
    return observation_names(id, size) or getattr(_flattening(env), "names", None)


def entry_keys(env: Any) -> dict[str, int] | None:
    """How many entries of the observations of a made environment are of which part, where it has parts."""
    return getattr(_flattening(env), "keys", None)


def _flattening(env: Any) -> Any:
    """The wrapper that flattens observations, or None."""
    from becalm_policies.environments.flat import Flat
    from becalm_policies.environments.pictures import Pictures

    while env is not None and not isinstance(env, Flat | Pictures):
        env = getattr(env, "env", None)
    return env


def _flat(env: Any, id: str, keys: Sequence[str] | None, cameras: Mapping[str, tuple[int, int]]) -> Any:
    import gymnasium
    import numpy as np

    from becalm_policies.environments.flat import Flat
    from becalm_policies.environments.pictures import Pictures

    seen, actions = env.observation_space, env.action_space
    if not isinstance(actions, gymnasium.spaces.Box) or not np.issubdtype(actions.dtype, np.floating):
        kind = type(actions).__name__ + ("" if actions.dtype is None else f" of {actions.dtype}")
        way = ": wrap it to take a score for each choice and do the largest" if kind.startswith(_CHOICES) else ""
        raise UserError(f"actions of environment {id} must be a Box of floats, got {kind}{way}")
    keys = keys if isinstance(seen, gymnasium.spaces.Dict | gymnasium.spaces.Tuple) else None
    if cameras:
        env = Pictures(env, f"observations of environment {id}", keys or None, cameras)
    elif keys or not (isinstance(seen, gymnasium.spaces.Box) and len(seen.shape) == 1 and seen.dtype.kind == "f"):
        env = Flat(env, f"observations of environment {id}", keys or None)
    shape = actions.shape
    if len(shape) != 1:
        low, high = actions.low.reshape(-1), actions.high.reshape(-1)
        flat = gymnasium.spaces.Box(low, high, dtype=actions.dtype)
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
