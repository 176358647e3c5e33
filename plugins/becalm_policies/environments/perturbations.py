"""What is changed about an environment to see what a policy bears: ``noise=0.02``, ``delay=2``, ``friction=0.5``.

    noise     each observed entry gets normal noise, its standard deviation a share of the entry's range in training
    delay     observations come so many steps late; an episode's first one stands until then
    friction  Push-T: coefficient of friction where shapes touch; the published environment has 0
    goal      Push-T: the goal moves by so many pixels, to another side in each episode

The policy is told nothing of it. What is drawn is a function of the seed and the episode's start, so that policies
meet the same perturbation.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from becalm.errors import UserError, nearest
from becalm_policies.environments.known import PUSHT

_STREAM = 17
"""Sets the numbers drawn apart from those that the environment draws of the same seed."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One family and how much of it."""

    family: str
    amount: float


@dataclass(frozen=True, slots=True)
class _Family:
    """A way to perturb.

    Attributes:
        wrap: (environment, amount, scale of the observations, seed) to the perturbed environment.
        only: The environment that it is for; None for any. whole: Whether the amount is a whole number.
        drawn: Whether it differs from seed to seed.
    """

    wrap: Callable[[Any, float, Array, int], Any]
    only: str | None = None
    whole: bool = False
    drawn: bool = False


def read(words: Sequence[str], environment: str) -> tuple[Perturbation, ...]:
    """Perturbations as they are typed, ``family=amount`` each.

    Raises:
        UserError: If a family is unknown or not for this environment, stands twice, or an amount is none.
    """
    found: list[Perturbation] = []
    for word in words:
        name, _, text = word.partition("=")
        family = FAMILIES.get(name)
        if family is None or family.only not in (None, environment):
            known = [each for each, one in FAMILIES.items() if one.only in (None, environment)]
            raise UserError(
                f"environment {environment} has no perturbation {name!r}: it has {', '.join(known)}"
                f"{nearest(name, known)}"
            )
        if any(name == before.family for before in found):
            raise UserError(f"perturbation {name} stands twice: give it once")
        found.append(Perturbation(name, _amount(word, text, whole=family.whole)))
    return tuple(found)


def _amount(word: str, text: str, *, whole: bool) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e6 or (whole and amount != int(amount)):
        kind = "a whole number of 0 or more" if whole else "a number of 0 or more"
        raise UserError(f"a perturbation is family=amount with {kind}, got {word!r}")
    return amount


def make(
    maker: Callable[..., Any],
    perturbations: Sequence[Perturbation],
    scale: Array,
    seed: int,
    *,
    render: bool = False,
) -> Any:
    """An environment with perturbations, in the order given.

    Args:
        maker: Makes it without. scale: (D,) what noise is a share of, for each observed entry.
        seed: Of what is drawn, beside the episode's. render: Whether it draws a picture.
    """
    env = maker(render=render)
    for each in perturbations:
        env = FAMILIES[each.family].wrap(env, each.amount, scale, seed)
    return env


class Noisy(gymnasium.Wrapper):  # type: ignore[misc]
    """An environment whose observations have noise of standard deviation ``std`` (D,)."""

    def __init__(self, env: Any, std: Array, seed: int) -> None:
        super().__init__(env)
        self._std, self._seed, self._rng = std, seed, np.random.default_rng(seed)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """As the environment's; noise begins anew where there is a seed."""
        if seed is not None:
            self._rng = np.random.default_rng((_STREAM, self._seed, seed))
        seen, info = self.env.reset(seed=seed, options=options)
        return self._add(seen), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """As the environment's."""
        seen, *rest = self.env.step(action)
        return (self._add(seen), *rest)

    def _add(self, seen: Any) -> Any:
        """Pictures, which come beside the state, are left as they are."""
        if isinstance(seen, dict):
            return {**seen, "state": self._add(seen["state"])}
        return (seen + self._std * self._rng.standard_normal(len(self._std))).astype(seen.dtype)


class Late(gymnasium.Wrapper):  # type: ignore[misc]
    """An environment whose observations come ``steps`` steps late."""

    def __init__(self, env: Any, steps: int) -> None:
        super().__init__(env)
        self._queue: deque[Any] = deque(maxlen=steps + 1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """As the environment's."""
        seen, info = self.env.reset(seed=seed, options=options)
        self._queue.clear()
        self._queue.append(deepcopy(seen))
        return seen, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """As the environment's; rewards and ends come at once."""
        seen, *rest = self.env.step(action)
        self._queue.append(deepcopy(seen))
        return (self._queue[0], *rest)


class Rough(gymnasium.Wrapper):  # type: ignore[misc]
    """Push-T whose shapes rub against each other."""

    def __init__(self, env: Any, friction: float) -> None:
        super().__init__(env)
        self._friction = friction

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """As the environment's, which makes its shapes anew."""
        result: tuple[Any, dict[str, Any]] = self.env.reset(seed=seed, options=options)
        for shape in self.unwrapped.space.shapes:
            # The physics multiply the coefficients of two shapes.
            shape.friction = self._friction**0.5
        return result


class Moved(gymnasium.Wrapper):  # type: ignore[misc]
    """Push-T whose goal lies ``distance`` pixels off."""

    def __init__(self, env: Any, distance: float, seed: int) -> None:
        super().__init__(env)
        self._distance, self._seed = distance, seed

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """As the environment's, which puts its goal back."""
        result: tuple[Any, dict[str, Any]] = self.env.reset(seed=seed, options=options)
        angle = np.random.default_rng((_STREAM, self._seed, seed or 0)).uniform(0, 2 * np.pi)
        inner = self.unwrapped
        inner.goal_pose = np.asarray(inner.goal_pose, np.float64)
        inner.goal_pose[:2] += self._distance * np.array([np.cos(angle), np.sin(angle)])
        return result


FAMILIES: Mapping[str, _Family] = {
    "noise": _Family(lambda env, amount, scale, seed: Noisy(env, amount * scale, seed), drawn=True),
    "delay": _Family(lambda env, amount, scale, seed: Late(env, int(amount)), whole=True),
    "friction": _Family(lambda env, amount, scale, seed: Rough(env, amount), only=PUSHT),
    "goal": _Family(lambda env, amount, scale, seed: Moved(env, amount, seed), only=PUSHT, drawn=True),
}


def perturb(
    maker: Callable[..., Any], words: Sequence[str], environment: str, scale: npt.ArrayLike, seed: int
) -> Callable[..., Any]:
    """A maker of the perturbed environment, see ``make``; the maker itself where there are no perturbations.

    Raises:
        UserError: If one is not right, see ``read``.
    """
    found = read(words, environment)
    return partial(make, maker, found, np.asarray(scale, np.float64), seed) if found else maker


def draws(words: Sequence[str]) -> bool:
    """Whether perturbations differ from seed to seed."""
    parts = (word.partition("=") for word in words)
    return any(FAMILIES[name].drawn and float(amount) > 0 for name, _, amount in parts)
