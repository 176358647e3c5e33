"""What the readers share: one sentence for whatever goes wrong, numbers as float64 matrices, episodes put together."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError, first_line
from becalm.plugin.distribution.missing import explain
from becalm_policies.demonstrations.episodes import Array, Episodes, Flags, joined

_LONGEST = 200


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One episode as a reader finds it.

    Attributes:
        observations, actions, rewards: (T, D), (T, A), (T,) or None.
        terminated: Whether the environment ended it, rather than somebody cut it off; None if unknown.
        last: (D,) the observation after the last action, or None.
    """

    observations: Array
    actions: Array
    rewards: Array | None
    terminated: bool | None = None
    last: Array | None = None


@contextmanager
def parsing(path: Path, what: str) -> Iterator[None]:
    """Turns whatever a parser raises into one sentence that names the file.

    Args:
        path: The file or folder that is read.
        what: What it should be, as in ``a Minari dataset``.

    Raises:
        UserError: In place of any other exception; a missing package is asked for by its name.
    """
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        raise UserError(explain(error.name or str(error), who=str(path), extra="demonstrations")) from error
    except PermissionError as error:
        raise UserError(f"{path} cannot be read: permission denied") from error
    except MemoryError as error:
        raise UserError(f"{path} needs more memory than there is") from error
    except Exception as error:  # Parsers of other people's formats raise anything at all on a damaged file.
        said = f": {first_line(error)[:_LONGEST]}" if str(error) else ""
        raise UserError(f"{path} is damaged or not {what}: {type(error).__name__}{said}") from error


def matrix(path: Path, name: str, values: Any) -> Array:
    """Values (T, ...) as a float64 matrix (T, entries).

    Raises:
        UserError: If they are not real numbers, or there is no axis of steps.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise UserError(f"{path}: {name} must hold numbers, got {array.dtype}")
    if array.ndim == 0:
        raise UserError(f"{path}: {name} must have a row for each step, got a single number")
    return array.reshape(len(array), int(np.prod(array.shape[1:]))).astype(np.float64)


def series(path: Path, name: str, values: Any) -> Array:
    """Values (T,) or (T, 1) as float64 (T,).

    Raises:
        UserError: If they are not one number per step.
    """
    array = matrix(path, name, values)
    if array.shape[1] != 1:
        raise UserError(f"{path}: {name} must be one number per step, got {array.shape[1]}")
    return array[:, 0]


def member(path: Path, holder: Any, name: str, *, where: str = "") -> Any:
    """``holder[name]``, which may be an archive, a group or a mapping.

    Raises:
        UserError: If it is not there; names what is.
    """
    check_member(path, holder, name, where=where)
    return holder[name]


def check_member(path: Path, names: Iterable[str], name: str, *, where: str = "") -> None:
    """Checks that a name is among others.

    Raises:
        UserError: If it is not; names those.
    """
    there = sorted(map(str, names))
    if name not in there:
        raise UserError(f"{path}: {where or 'it'} must hold {name!r}, got {', '.join(there[:12]) or 'nothing'}")


def numbered(names: Iterable[str], stem: str) -> list[tuple[int, str]]:
    """The names ``stem0``, ``stem1``, ... with their numbers, in order of number."""
    matches = ((re.fullmatch(rf"{stem}(\d+)", name), name) for name in names)
    return sorted((int(match[1]), name) for match, name in matches if match)


def order(key: str) -> tuple[str, int]:
    """By what keys are sorted: letters, and a number at the end by its value."""
    stem = key.rstrip("0123456789")
    return stem, int(key[len(stem) :] or -1)


def entries(name: str, size: int) -> list[str]:
    """What to call the entries of a vector: its own name if there is one, else numbered."""
    return [name] if size == 1 else [f"{name}[{number}]" for number in range(size)]


def check_lengths(path: Path, name: str, observations: Array, actions: Array) -> None:
    """Checks that there is an observation for each action.

    Raises:
        UserError: If there is not.
    """
    if len(observations) != len(actions):
        raise UserError(
            f"{path}: {name} must have one observation per action, got {len(observations)} and {len(actions)}"
        )


def assemble(path: Path, parts: Sequence[Episode], environment: str, spec: Mapping[str, Any]) -> Episodes:
    """Episodes put one after the other.

    Raises:
        UserError: If there are none, their sizes differ, or the store refuses them.
    """
    if not parts:
        raise UserError(f"{path} holds no episodes: there must be at least one")
    for number, part in enumerate(parts):
        for name in ("observations", "actions"):
            size, first = getattr(part, name).shape[1], getattr(parts[0], name).shape[1]
            if size != first:
                raise UserError(f"{path}: {name} must have {first} entries as in episode 0, got {size} in {number}")
    terminated = [None if part.terminated is None else np.array([part.terminated]) for part in parts]
    return store(
        path,
        np.concatenate([part.observations for part in parts]),
        np.concatenate([part.actions for part in parts]),
        np.cumsum([len(part.actions) for part in parts]),
        joined([part.rewards for part in parts]),
        environment,
        spec,
        terminated=joined(terminated),
        last=joined([None if part.last is None else part.last[None] for part in parts]),
    )


def store(
    path: Path,
    observations: Array,
    actions: Array,
    ends: npt.NDArray[Any],
    rewards: Array | None,
    environment: str,
    spec: Mapping[str, Any],
    *,
    terminated: Flags | None = None,
    last: Array | None = None,
) -> Episodes:
    """The store of these arrays; its complaints name the file.

    Raises:
        UserError: If they do not fit together.
    """
    if ends.dtype.kind not in "iu" or ends.ndim != 1:
        raise UserError(f"{path}: episode ends must be a row of whole numbers, got {ends.dtype} of shape {ends.shape}")
    try:
        return Episodes(observations, actions, ends.astype(np.int64), rewards, environment, spec, terminated, last)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
