"""The store of demonstrations: all steps in one table, and where each episode ends.

One file: a .npz with the arrays ``observations`` (N, D), ``actions`` (N, A), ``ends`` (E,), perhaps ``rewards`` (N,),
and ``meta``, a JSON text with the environment's id and whatever else is known. No pickles.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError
from becalm.files.content import digest
from becalm.gate.text import parse_table
from becalm.gate.zip import arrays as npz
from becalm.plugin.report import counted
from becalm.provenance import Record, write

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
_KINDS = {"observations": "fiu", "actions": "fiu", "rewards": "fiu", "ends": "iu", "meta": "U"}


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Demonstrations.

    Attributes:
        observations: (N, D) float64, the observation before each action.
        actions: (N, A) float64, in the environment's units.
        ends: (E,) int64, one past the last step of each episode.
        rewards: (N,) float64, the reward after each action, or None.
        environment: Id of the gymnasium environment; empty if unknown.
        spec: What else is known, as JSON has it: ``action_low``, ``action_high``, ``source``, names of entries.

    Raises:
        UserError: If the arrays do not fit together or hold what is not finite.
    """

    observations: Array
    actions: Array
    ends: Indices
    rewards: Array | None = None
    environment: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("observations", "actions"):
            array = getattr(self, name)
            if array.ndim != 2 or array.shape[1] == 0:
                raise UserError(f"{name} must be a table (steps, entries), got shape {array.shape}")
            _check_finite(name, array)
        steps = len(self.observations)
        if len(self.actions) != steps:
            raise UserError(f"there must be one action per observation, got {len(self.actions)} and {steps}")
        if self.rewards is not None:
            if self.rewards.shape != (steps,):
                raise UserError(f"there must be one reward per observation, got {self.rewards.shape} for {steps}")
            _check_finite("rewards", self.rewards)
        ends = self.ends
        if ends.ndim != 1 or len(ends) == 0:
            raise UserError("there must be at least one episode, got none")
        if bool((np.diff(ends, prepend=0) <= 0).any()) or ends[-1] != steps:
            raise UserError(f"episode ends must ascend and finish at the number of steps {steps}, got {_few(ends)}")

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def starts(self) -> Indices:
        """(E,) first step of each episode."""
        return np.concatenate([[0], self.ends[:-1]])

    @property
    def lengths(self) -> Indices:
        """(E,) steps of each episode."""
        return self.ends - self.starts

    @property
    def returns(self) -> Array | None:
        """(E,) sum of each episode's rewards, or None."""
        return None if self.rewards is None else np.add.reduceat(self.rewards, self.starts)

    @property
    def digest(self) -> str:
        """SHA-256 in hex of observations, actions and ends."""
        return digest(self.observations, self.actions, self.ends)

    def summary(self) -> str:
        """How many there are of what, in a line."""
        (steps, observed), entries = self.observations.shape, self.actions.shape[1]
        where = f" of {self.environment}" if self.environment else ""
        sizes = f"{counted(steps, 'step')}, observations of {observed} and actions of {entries} entries"
        return f"{counted(len(self), 'demonstration')}{where}, {sizes}"

    def entries(self, title: str) -> Array:
        """The table of the ``observation`` or the ``action``."""
        return self.observations if title == "observation" else self.actions

    def names(self, title: str) -> list[str]:
        """What the entries of the ``observation`` or the ``action`` are called; nothing where that is unknown."""
        given = self.spec.get(title)
        fits = isinstance(given, list) and len(given) == self.entries(title).shape[1]
        return [str(name) for name in given] if given and fits else []

    def take(self, episodes: Sequence[int] | Indices) -> "Episodes":
        """Those episodes, in that order."""
        numbers = np.asarray(episodes, dtype=np.int64)
        steps = np.concatenate([np.arange(self.starts[e], self.ends[e]) for e in numbers] or [np.zeros(0, np.int64)])
        rewards = None if self.rewards is None else self.rewards[steps]
        ends = np.cumsum(self.lengths[numbers])
        return Episodes(self.observations[steps], self.actions[steps], ends, rewards, self.environment, self.spec)

    @classmethod
    def join(cls, parts: Sequence["Episodes"]) -> "Episodes":
        """The episodes of several stores; environment and spec are the first's."""
        offsets = np.cumsum([0, *(len(part.actions) for part in parts[:-1])])
        rewards = [part.rewards for part in parts if part.rewards is not None]
        return cls(
            np.concatenate([part.observations for part in parts]),
            np.concatenate([part.actions for part in parts]),
            np.concatenate([part.ends + offset for part, offset in zip(parts, offsets, strict=True)]),
            np.concatenate(rewards) if len(rewards) == len(parts) else None,
            parts[0].environment,
            parts[0].spec,
        )

    def write(self, path: Path, made: Record | None = None) -> None:
        """Writes the store whole or not at all.

        Args:
            made: How the episodes came to be, kept in the file.

        Raises:
            UserError: If it cannot be written.
        """
        arrays: dict[str, npt.NDArray[Any]] = {
            "observations": self.observations,
            "actions": self.actions,
            "ends": self.ends,
        }
        if self.rewards is not None:
            arrays["rewards"] = self.rewards
        arrays["meta"] = np.array(json.dumps({"environment": self.environment, "spec": dict(self.spec)}))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        write(path, buffer.getvalue(), made)

    @classmethod
    def read(cls, path: Path) -> "Episodes":
        """Reads a store.

        Raises:
            UserError: If the file is missing, damaged, or no store.
        """
        arrays = npz(path, "a store of demonstrations", _KINDS, ("observations", "actions", "ends"))
        environment, spec = _known(path, str(arrays.get("meta", "{}")))
        observations, actions = (arrays[name].astype(np.float64) for name in ("observations", "actions"))
        rewards = arrays["rewards"].astype(np.float64) if "rewards" in arrays else None
        ends = arrays["ends"].astype(np.int64)
        try:
            return cls(observations, actions, ends, rewards, environment, spec)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error


def _known(path: Path, text: str) -> tuple[str, dict[str, Any]]:
    """The environment's id and the spec out of the JSON text ``meta``."""
    meta = parse_table(text, f"{path}: meta")
    environment, spec = meta.get("environment", ""), meta.get("spec", {})
    if not isinstance(environment, str) or not isinstance(spec, dict):
        raise UserError(f"{path}: meta must hold an environment's id and a table spec, got {text[:60]}")
    return environment, spec


def _check_finite(name: str, array: Array) -> None:
    wrong = ~np.isfinite(array).reshape(len(array), -1).all(1)
    if bool(wrong.any()):
        raise UserError(f"{name} must be finite, but step {int(wrong.argmax())} is not")


def _few(values: Indices) -> str:
    shown = ", ".join(str(int(value)) for value in values[:5])
    return f"[{shown}{', ...' if len(values) > 5 else ''}]"
