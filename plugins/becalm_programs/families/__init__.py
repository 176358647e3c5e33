"""Families of random programs, each a function of family, size and seed.

    generate("set-cover", "paper", seed=7)

The numbers come from numpy's RandomState, whose streams are promised never to change, so an instance is the same
everywhere; ``default_rng`` promises no such thing.
"""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from becalm.errors import UserError, unknown
from becalm_programs.problem.program import Program

_MODULES = {
    "set-cover": "set_cover",
    "auction": "auction",
    "facility": "facility",
    "independent-set": "independent_set",
    "assignment": "assignment",
    "knapsack": "knapsack",
}
FAMILIES = tuple(_MODULES)
SIZES = ("tiny", "small", "paper")
"""Presets that every family has: for brute force, for quick trainings, and as in the literature."""


class Size(Protocol):
    """The sizes of a family's instances, and how one is drawn."""

    def program(self, random: np.random.RandomState) -> Program: ...


def presets(family: str) -> Mapping[str, Size]:
    """A family's sizes by name.

    Raises:
        UserError: If the family is unknown.
    """
    name = family.replace("_", "-")
    if name not in _MODULES:
        raise unknown("family", family, FAMILIES)
    module: Any = import_module(f"becalm_programs.families.{_MODULES[name]}")
    sizes: Mapping[str, Size] = module.PRESETS
    return sizes


def generate(family: str, size: str | Size, seed: int) -> Program:
    """One instance.

    Args:
        family: One of ``FAMILIES``.
        size: A preset's name, or sizes of the family's own.
        seed: At least 0 and below 2**32.

    Raises:
        UserError: If family or size are unknown, or the seed is out of range.
    """
    known = presets(family)
    if isinstance(size, str) and size not in known:
        raise unknown(f"size of {family}", size, known)
    if not 0 <= seed < 2**32:
        raise UserError(f"seed must be at least 0 and below 2**32, got {seed}")
    chosen = known[size] if isinstance(size, str) else size
    name = family.replace("_", "-")
    # The family is part of the seed, so that two families' instances of one seed have nothing in common.
    random = np.random.RandomState([zlib.crc32(name.encode()), seed])
    word = size if isinstance(size, str) else "own"
    return replace(chosen.program(random), name=f"{name}-{word}-{seed:05d}")
