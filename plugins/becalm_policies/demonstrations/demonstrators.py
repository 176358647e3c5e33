"""Who shows how it is done: scripted demonstrators that come with an environment, and any callable of the user's.

A demonstrator maps an observation and a generator of random numbers to an action. One is made for each episode, from
the episode's number, so it may remember what it did, and may take its choices in turn.
"""

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError, unknown
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.environments.own import module

Demonstrator = Callable[[Array, np.random.Generator], npt.ArrayLike]
Factory = Callable[[int], Demonstrator]
"""Makes the demonstrator of an episode from the episode's number."""

RANDOM = "random"


def names(environment: str) -> list[str]:
    """The built-in demonstrators of an environment."""
    return [*_BUILT_IN.get(environment, {}), RANDOM]


def demonstrator(env: Any, name: str) -> Factory:
    """What makes a demonstrator for each episode.

    Args:
        env: The ``gymnasium.Env`` to be played.
        name: A built-in one (``names``), or ``module:function`` of the user's: called with the observation, and with
            the environment if its second argument is named ``env``, with a generator of random numbers if it is named
            otherwise. A class is made anew for each episode and then called.

    Raises:
        UserError: If there is no such demonstrator.
    """
    environment = env.spec.id if env.spec is not None else ""
    built_in = _BUILT_IN.get(environment, {})
    if name in built_in:
        return built_in[name]
    if name == RANDOM:
        play = _random(env)
        return lambda number: play
    if ":" in name:
        return _load(name, env)
    raise unknown(f"demonstrator of {environment}", name, [*built_in, RANDOM, "module:function"])


def fork_expert(number: int) -> Demonstrator:
    """Over on even episodes, under on odd ones, so that they are in equal shares; each at its own height.

    The side is chosen only where nothing is decided yet; elsewhere it stays on the way that it is on. It aims half as
    far again as a step can go along the parabola height * (1 - (x / reach)^2), with a little tremble.
    """
    from becalm_policies.environments import fork

    side, reach = (1.0 if number % 2 == 0 else -1.0), fork.GOAL[0]

    def play(observation: Array, rng: np.random.Generator) -> Array:
        x, y = observation
        if x < 0 and abs(y) < _UNDECIDED:
            height = side * rng.uniform(*_HEIGHTS)
        else:
            height = np.copysign(np.clip(abs(y) / max(1 - (x / reach) ** 2, 0.05), *_HEIGHTS), y)
        slope = -2 * height * x / reach**2
        ahead = min(x + _LEAD * fork.SPEED / np.hypot(1, slope), reach)
        target = np.array([ahead, height * max(1 - (ahead / reach) ** 2, 0.0)])
        return target + _TREMBLE * rng.standard_normal(2)

    return play


_UNDECIDED = 0.025
_HEIGHTS = (0.5, 0.66)
_LEAD = 1.5
_TREMBLE = 0.006


def claw_expert(number: int) -> Demonstrator:
    """Points well within an object; the objects in turn, as often as ``claw.MASSES`` says."""
    from becalm_policies.environments import claw

    # Multiples of the golden ratio fill [0, 1) evenly, so the shares come out right at any number of episodes.
    target = claw.by_mass(number * _GOLDEN % 1)
    return lambda observation, rng: claw.pick(target, observation, rng)


_GOLDEN = (5**0.5 - 1) / 2


def _lander(number: int) -> Demonstrator:
    from gymnasium.envs.box2d.lunar_lander import heuristic

    # All that it asks of the environment is whether its actions are continuous.
    env = SimpleNamespace(unwrapped=SimpleNamespace(continuous=True))

    def play(observation: Array, rng: np.random.Generator) -> npt.ArrayLike:
        action: npt.ArrayLike = heuristic(env, observation)
        return action

    return play


def _walker(number: int) -> Demonstrator:
    from gymnasium.envs.box2d.bipedal_walker import BipedalWalkerHeuristics

    walker = BipedalWalkerHeuristics()

    def play(observation: Array, rng: np.random.Generator) -> npt.ArrayLike:
        action: npt.ArrayLike = walker.step_heuristic(observation)
        return action

    return play


_BUILT_IN: Mapping[str, Mapping[str, Factory]] = {
    "LunarLander-v3": {"heuristic": _lander},
    "BipedalWalker-v3": {"heuristic": _walker},
    "becalm/Fork-v0": {"expert": fork_expert},
    "becalm/Claw-v0": {"expert": claw_expert},
}


def _random(env: Any) -> Demonstrator:
    low, high = env.action_space.low.astype(np.float64), env.action_space.high.astype(np.float64)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise UserError("the random demonstrator needs actions with bounds, this environment has none")
    return lambda observation, rng: rng.uniform(low, high)


def _load(name: str, env: Any) -> Factory:
    """The user's callable; its module may stand in the current folder."""
    module_name, _, attribute = name.partition(":")
    function = getattr(module(module_name, f"demonstrator {name!r}"), attribute, None)
    if not callable(function):
        what = "has no such name" if function is None else f"has it as {type(function).__name__}, not as a function"
        raise UserError(f"demonstrator {name!r}: module {module_name} {what}")
    make: Callable[[], Any] = function if inspect.isclass(function) else lambda: function
    return lambda number: _adapt(make(), env, name)


def _adapt(function: Callable[..., Any], env: Any, name: str) -> Demonstrator:
    try:
        arguments = [p for p in inspect.signature(function).parameters.values() if p.kind in _POSITIONAL]
        inspect.signature(function).bind(*([None] * min(len(arguments), 2)))
    except (ValueError, TypeError) as error:
        raise UserError(f"demonstrator {name!r} must take an observation and perhaps env or rng: {error}") from error
    if not arguments:
        raise UserError(f"demonstrator {name!r} must take an observation and perhaps env or rng, it takes nothing")
    if len(arguments) == 1:
        return lambda observation, rng: function(observation)
    if arguments[1].name == "env":
        return lambda observation, rng: function(observation, env)
    return lambda observation, rng: function(observation, rng)


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
