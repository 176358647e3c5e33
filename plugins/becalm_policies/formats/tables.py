"""Arrays with a row for each step, by name, as a file or one of its groups holds them; and which of them are read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from becalm.errors import UserError, nearest
from becalm_policies.demonstrations.episodes import Array
from becalm_policies.formats.parts import check_member, entries, matrix, series

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read of a file, by the names that things have there.

    Attributes:
        keys: Observed arrays, in this order; none for what the format observes usually. A group's name stands for all
            that is in it.
        action: Arrays of actions, side by side; none for the format's own.
        subset: A part of the episodes that the file names, such as robomimic's ``train``; empty for all.
    """

    keys: tuple[str, ...] = ()
    action: tuple[str, ...] = ()
    subset: str = ""


USUAL = Selection()


@dataclass(frozen=True, slots=True)
class Leaf:
    """Shape and dtype of an array, before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def is_vector(self) -> bool:
        """Whether it is a vector of numbers for each step: no picture, bytes (T, H, W, ...), no text."""
        picture = len(self.shape) >= 3 and self.dtype == np.uint8
        return self.dtype.kind in "fiub" and bool(self.shape) and not picture


@dataclass(frozen=True, slots=True)
class Tables:
    """Arrays by name.

    Attributes:
        path: The file or folder.
        where: What complaints call the place within, such as ``data/demo_0``; may be empty.
        leaves: The arrays; slashes separate the groups that they are in.
        read: An array by its name; the second argument says that it may not be made of fill values alone.
    """

    path: Path
    where: str
    leaves: Mapping[str, Leaf]
    read: Callable[[str, bool], npt.NDArray[Any]]

    def full(self, name: str) -> str:
        """The name of an array with where it is."""
        return f"{self.where}/{name}" if self.where else name


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Arrays side by side.

    Attributes:
        values: (T, D).
        names: Of the D entries.
        keys: How many entries are of which array.
    """

    values: Array
    names: list[str] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)


def pick(tables: Tables, asked: Sequence[str], *, flag: str, root: str = "") -> list[str]:
    """The names of the arrays that keys stand for.

    Args:
        asked: Names of arrays or groups.
        flag: The setting that asks, for the sentence.
        root: What may be left out at the beginning of a name, such as ``obs/``.

    Raises:
        UserError: If one names nothing that is there, or an array is named twice.
    """
    found: list[str] = []
    for key in asked:
        names = next((names for start in (root, "") if (names := _at(tables.leaves, start + key))), None)
        if names is None:
            there = [name.removeprefix(root) for name in tables.leaves]
            said = f"{', '.join(there[:_SHOWN])}{', ...' if len(there) > _SHOWN else ''}" or "nothing"
            place = f"{tables.path}: {tables.where or 'it'}"
            raise UserError(f"{place} must hold {key!r}, as {flag} asks, got {said}{nearest(key, there)}")
        if twice := next((name for name in names if name in found), None):
            raise UserError(f"{flag} must name an array once, got {twice!r} twice")
        found += names
    return found


def side_by_side(tables: Tables, names: Sequence[str], *, root: str = "", bare: str = "") -> Vectors:
    """Arrays side by side, each step as a row.

    Args:
        names: Which.
        root: What is left out of names of entries.
        bare: What to call an array whose name is nothing but the root.

    Raises:
        UserError: If one is a picture or a text, their lengths differ, or they are more than may be read.
    """
    parts: list[Array] = []
    titles: list[str] = []
    keys: dict[str, int] = {}
    for name in names:
        full = tables.full(name)
        if tables.leaves[name].dtype.kind not in "fiub":
            raise UserError(f"{tables.path}: {full} must hold numbers, got {tables.leaves[name].dtype}")
        if not tables.leaves[name].is_vector:
            raise UserError(
                f"{tables.path}: {full} must hold a vector of numbers for each step, got a {_said(tables.leaves[name])}"
            )
        values = matrix(tables.path, full, tables.read(name, len(names) == 1))
        if parts and len(values) != len(parts[0]):
            raise UserError(
                f"{tables.path}: {full} must have {len(parts[0])} steps as its neighbours, got {len(values)}"
            )
        short = f"{name}/".removeprefix(root).rstrip("/") or bare or name
        titles += entries(short, values.shape[1])
        keys[name if short == bare else short] = values.shape[1]
        parts.append(values)
    return Vectors(np.concatenate(parts, axis=1), titles, keys)


def observed(tables: Tables, root: str, selection: Selection) -> tuple[list[str], list[str]]:
    """The names of the observed arrays, and of those of the group that are left out.

    Args:
        root: The group of observations, or the array.

    Raises:
        UserError: If there is no such group, no vector in it, or a key names nothing.
    """
    group = _at(tables.leaves, root)
    if selection.keys:
        names = pick(tables, selection.keys, flag="--observe.keys", root=f"{root}/")
    else:
        check_member(tables.path, top(tables), root, where=tables.where)
        names = vectors(tables, group, tables.full(root))
    return names, [name.removeprefix(f"{root}/") for name in group if name not in names]


def acted(tables: Tables, usual: str, selection: Selection) -> list[str]:
    """The names of the arrays of actions.

    Args:
        usual: That of the format.

    Raises:
        UserError: If there is none of that name, or it is a group.
    """
    if selection.action:
        return pick(tables, selection.action, flag="--action-key")
    check_member(tables.path, top(tables), usual, where=tables.where)
    if usual not in tables.leaves:
        there = ", ".join(name.removeprefix(f"{usual}/") for name in _at(tables.leaves, usual))
        raise UserError(f"{tables.path}: {tables.full(usual)} must be an array, got a group of {there or 'nothing'}")
    return [usual]


def described(seen: Vectors, done: Vectors) -> dict[str, Any]:
    """What a spec says of observed arrays and of actions: names of entries, and how many of them are of which array."""
    return {"observation": seen.names, "keys": seen.keys, "action": done.names, "action_keys": done.keys}


def check_same(path: Path, seen: Sequence[Vectors]) -> None:
    """Checks that all episodes hold the same observations.

    Raises:
        UserError: If they do not.
    """
    if any(other.names != seen[0].names for other in seen):
        raise UserError(f"{path}: every episode must hold the same observations, they differ")


def no_subset(path: Path, asked: str, there: Iterable[str]) -> UserError:
    """The sentence on a part of the episodes that a file does not name."""
    known = sorted(there)
    said = f"named are {', '.join(known)}{nearest(asked, known)}" if known else "it names none"
    return UserError(f"{path} names no part {asked!r} of its episodes, as --subset asks: {said}")


def per_step(tables: Tables, name: str, steps: int) -> Array | None:
    """The numbers of an array, one for each step, where it is there.

    Raises:
        UserError: If they are as many for another number of steps.
    """
    if name not in tables.leaves:
        return None
    values = series(tables.path, tables.full(name), tables.read(name, False))
    if len(values) != steps:
        raise UserError(
            f"{tables.path}: {tables.full(name)} must have one number per action, got {len(values)} and {steps}"
        )
    return values


def vectors(tables: Tables, names: Sequence[str], where: str) -> list[str]:
    """Those of the names that are vectors.

    Raises:
        UserError: If there is none; names what there is.
    """
    found = [name for name in names if tables.leaves[name].is_vector]
    if not found:
        said = ", ".join(f"{name}, a {_said(tables.leaves[name])}" for name in names[:_SHOWN]) or "nothing"
        raise UserError(f"{tables.path}: {where} must hold vectors of numbers, got {'only ' if names else ''}{said}")
    return found


def top(tables: Tables) -> list[str]:
    """The names of arrays and groups at the top."""
    return list(dict.fromkeys(name.partition("/")[0] for name in tables.leaves))


def _said(leaf: Leaf) -> str:
    kind = "text" if leaf.dtype.kind not in "fiub" else "picture" if len(leaf.shape) > 1 else "number"
    return f"{kind} ({leaf.dtype}, {' x '.join(map(str, leaf.shape)) or 'single'})"


def _at(names: Iterable[str], key: str) -> list[str]:
    """The array of that name, or all in the group of that name."""
    there = list(names)
    return [key] if key in there else [name for name in there if name.startswith(f"{key}/")]
