"""The store of demonstrations: all steps in one table, and where each episode ends.

One file: a .npz with the arrays ``observations`` (N, D), ``actions`` (N, A), ``ends`` (E,), where they are known
``rewards`` (N,), ``terminated`` (E,) and ``last`` (E, D), and ``meta``, a JSON text with the environment's id and
whatever else is known. No pickles. The pictures of cameras lie in files beside it, see ``demonstrations.frames``.
"""

import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError
from becalm.files.atomic import write_together
from becalm.files.content import digest
from becalm.gate.text import parse_table
from becalm.gate.zip import arrays as npz
from becalm.plugin.report import counted
from becalm.provenance import Record, stamp
from becalm_policies.demonstrations.frames import Frames, beside, writers

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_CAMERA = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
_ARRAYS: Mapping[str, tuple[str, Any]] = {
    "observations": ("fiu", np.float64),
    "actions": ("fiu", np.float64),
    "ends": ("iu", np.int64),
    "rewards": ("fiu", np.float64),
    "terminated": ("b", np.bool_),
    "last": ("fiu", np.float64),
}
"""What a file holds, by the name of the field: kinds of dtype that are read, and the dtype in memory."""
_NEEDED = ("observations", "actions", "ends")


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Demonstrations.

    Attributes:
        observations: (N, D) float64, the observation before each action.
        actions: (N, A) float64, in the environment's units.
        ends: (E,) int64, one past the last step of each episode.
        rewards: (N,) float64, the reward after each action, or None.
        environment: Id of the gymnasium environment; empty if unknown.
        spec: What else is known, as JSON has it: ``action_low``, ``action_high``, ``source``, names of entries,
            ``rate``, the control rate in Hz.
        terminated: (E,) bool, whether the environment ended the episode, rather than somebody cut it off; or None.
        last: (E, D) float64, the observation after each episode's last action, or None.
        cameras: The pictures that belong to the observations, N of each camera by its name.

    Raises:
        UserError: If the arrays do not fit together or hold what is not finite.
    """

    observations: Array
    actions: Array
    ends: Indices
    rewards: Array | None = None
    environment: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)
    terminated: Flags | None = None
    last: Array | None = None
    cameras: Mapping[str, Frames] = field(default_factory=dict)

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
        for name, frames in self.cameras.items():
            if not _CAMERA.fullmatch(name):
                raise UserError(f"a camera must be named by letters, digits, _, - and dots, got {name[:60]!r}")
            if len(frames) != steps:
                raise UserError(f"there must be one picture of {name} per observation, got {len(frames)} for {steps}")
        ends = self.ends
        if ends.ndim != 1 or len(ends) == 0:
            raise UserError("there must be at least one episode, got none")
        if bool((np.diff(ends, prepend=0) <= 0).any()) or ends[-1] != steps:
            raise UserError(f"episode ends must ascend and finish at the number of steps {steps}, got {_few(ends)}")
        self._check_ends()
        rate = self.spec.get("rate")
        if rate is not None and not (type(rate) in (int, float) and math.isfinite(rate) and rate >= 0):
            raise UserError(f"the control rate must be a number of Hz, got {str(rate)[:40]!r}")

    def _check_ends(self) -> None:
        count, size = len(self), self.observations.shape[1]
        if self.terminated is not None and (self.terminated.shape != (count,) or self.terminated.dtype != np.bool_):
            found = f"{self.terminated.dtype} of shape {self.terminated.shape}"
            raise UserError(f"terminated must be a truth value for each of {counted(count, 'episode')}, got {found}")
        if self.last is not None:
            if self.last.shape != (count, size):
                raise UserError(f"last must be an observation for each episode, {(count, size)}, got {self.last.shape}")
            _check_finite("last", self.last, "episode")

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
    def rate(self) -> float:
        """Control steps per second; 0 if unknown."""
        return float(self.spec.get("rate") or 0)

    @property
    def digest(self) -> str:
        """SHA-256 in hex of observations, actions and ends, and of some of the pictures."""
        seen = [part for name in sorted(self.cameras) for part in (name.encode(), self.cameras[name].digest.encode())]
        return digest(self.observations, self.actions, self.ends, *seen)

    def summary(self) -> str:
        """How many there are of what, in a line."""
        (steps, observed), entries = self.observations.shape, self.actions.shape[1]
        where = f" of {self.environment}" if self.environment else ""
        sizes = f"{counted(steps, 'step')}, observations of {observed} and actions of {entries} entries"
        seen = f", pictures of {', '.join(self.cameras)}" if self.cameras else ""
        return f"{counted(len(self), 'demonstration')}{where}, {sizes}{seen}"

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
        return replace(
            self,
            observations=self.observations[steps],
            actions=self.actions[steps],
            ends=np.cumsum(self.lengths[numbers]),
            rewards=None if self.rewards is None else self.rewards[steps],
            terminated=None if self.terminated is None else self.terminated[numbers],
            last=None if self.last is None else self.last[numbers],
            cameras={name: frames.take(steps) for name, frames in self.cameras.items()},
        )

    @classmethod
    def join(cls, parts: Sequence["Episodes"]) -> "Episodes":
        """The episodes of several stores; environment and spec are the first's, and known is what all of them know."""
        offsets = np.cumsum([0, *(len(part.actions) for part in parts[:-1])])
        return cls(
            np.concatenate([part.observations for part in parts]),
            np.concatenate([part.actions for part in parts]),
            np.concatenate([part.ends + offset for part, offset in zip(parts, offsets, strict=True)]),
            joined([part.rewards for part in parts]),
            parts[0].environment,
            parts[0].spec,
            joined([part.terminated for part in parts]),
            joined([part.last for part in parts]),
            {name: Frames.join([part.cameras[name] for part in parts]) for name in parts[0].cameras},
        )

    def write(self, path: Path, made: Record | None = None) -> None:
        """Writes the store whole or not at all.

        Args:
            made: How the episodes came to be, kept in the file.

        Raises:
            UserError: If it cannot be written.
        """
        fields = {name: getattr(self, name) for name in _ARRAYS}
        arrays: dict[str, npt.NDArray[Any]] = {name: array for name, array in fields.items() if array is not None}
        meta = {"environment": self.environment, "spec": dict(self.spec)}
        arrays["meta"] = np.array(json.dumps({**meta, "cameras": list(self.cameras)} if self.cameras else meta))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        content = buffer.getvalue() if made is None else stamp(buffer.getvalue(), path.name, made)
        # The store last: where it stands, its pictures do.
        write_together([*writers(path, self.cameras), (path, lambda place: place.write_bytes(content))])

    @classmethod
    def read(cls, path: Path) -> "Episodes":
        """Reads a store.

        Raises:
            UserError: If the file is missing, damaged, or no store.
        """
        kinds = {name: kinds for name, (kinds, _) in _ARRAYS.items()}
        arrays = npz(path, "a store of demonstrations", {**kinds, "meta": "U"}, _NEEDED)
        environment, spec, names = _known(path, str(arrays.get("meta", "{}")))
        cameras = {name: Frames.read(beside(path, name)) for name in names}
        found = {name: arrays[name].astype(dtype) for name, (_, dtype) in _ARRAYS.items() if name in arrays}
        try:
            return cls(**found, environment=environment, spec=spec, cameras=cameras)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error


def joined(parts: Sequence[npt.NDArray[Any] | None]) -> npt.NDArray[Any] | None:
    """The arrays one after the other, if all of them are there."""
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _known(path: Path, text: str) -> tuple[str, dict[str, Any], list[str]]:
    """The environment's id, the spec and the names of cameras out of the JSON text ``meta``."""
    meta = parse_table(text, f"{path}: meta")
    environment, spec = meta.get("environment", ""), meta.get("spec", {})
    if not isinstance(environment, str) or not isinstance(spec, dict):
        raise UserError(f"{path}: meta must hold an environment's id and a table spec, got {text[:60]}")
    cameras = meta.get("cameras", [])
    if not isinstance(cameras, list) or not all(isinstance(name, str) and _CAMERA.fullmatch(name) for name in cameras):
        raise UserError(f"{path}: meta must name cameras by letters, digits, _ and -, got {str(cameras)[:60]}")
    return environment, spec, cameras


def _check_finite(name: str, array: Array, row: str = "step") -> None:
    wrong = ~np.isfinite(array).reshape(len(array), -1).all(1)
    if bool(wrong.any()):
        raise UserError(f"{name} must be finite, but {row} {int(wrong.argmax())} is not")


def _few(values: Indices) -> str:
    shown = ", ".join(str(int(value)) for value in values[:5])
    return f"[{shown}{', ...' if len(values) > 5 else ''}]"
