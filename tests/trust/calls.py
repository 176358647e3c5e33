"""One call of each domain that a program may make a thousand times, with what it gives as arrays."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@functools.cache
def _digits() -> Any:
    import becalm

    return becalm.load("mnist", "cpu")


def digits(seed: int) -> Array:
    """Sevens, guided without a classifier."""
    drawn = _digits().sample(count=2, steps=2, seed=seed, label=[7], guidance=2.0)
    return np.asarray(drawn.data.numpy())


def digits_by_classifier(seed: int) -> Array:
    """Sevens, guided by the bundled classifier's gradient."""
    drawn = _digits().sample(count=1, steps=2, seed=seed, label=[7], classifier_guidance=2.0)
    return np.asarray(drawn.data.numpy())


def actions(seed: int) -> Array:
    """A few actions of a policy of its own."""
    import becalm_policies

    policy = becalm_policies.load("pusht", device="cpu", seed=seed, steps=2)
    return np.stack([policy.act(np.full(5, 0.1 * number)) for number in range(10)])


@functools.cache
def _covers() -> Any:
    from becalm_programs.families import generate

    return generate("set-cover", "tiny", 0)


def cover(seed: int) -> Array:
    """Solutions with the network that fits."""
    from becalm_programs.solutions import solutions

    return solutions(_covers(), 4, seed=seed, steps=2, device="cpu", checkpoint="set-cover").x


def cover_without(seed: int) -> Array:
    """Solutions without a network."""
    from becalm_programs.solutions import solutions

    return solutions(_covers(), 4, seed=seed, steps=2, device="cpu", checkpoint="none").x


CALLS: dict[str, Callable[[int], Array]] = {
    call.__name__: call for call in (digits, digits_by_classifier, actions, cover, cover_without)
}
