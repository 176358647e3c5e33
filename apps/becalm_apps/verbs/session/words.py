"""Figures of a training in words: beside what real data have, or beside what plainer ways to the same have."""

from collections.abc import Iterator, Mapping

_CLEARLY = 0.95
"""Part of a figure below which another is said to be better: a few windows decide what lies nearer."""


def told(seen: Mapping[str, float]) -> str:
    """``held out 0.0712, fid 9.4 (real data 4.1), action error 0.31 (ridge 0.05, mean 1)``."""
    words = []
    for name, value in seen.items():
        if name == "held_out":
            words.append(f"held out {value:.4f}")
        elif f"{name}_floor" in seen:
            words.append(f"{name} {value:.3g} (real data {seen[f'{name}_floor']:.3g})")
        elif beside := _rivals(name, seen):
            others = ", ".join(f"{rival} {figure:.3g}" for rival, figure in beside.items())
            words.append(f"{name.replace('_', ' ')} {value:.3g} ({others})")
    return ", ".join(words)


def beaten(seen: Mapping[str, float]) -> Iterator[str]:
    """A sentence for each figure in which something plainer does clearly better."""
    for name, value in seen.items():
        beside = {} if name == "held_out" or f"{name}_floor" in seen else _rivals(name, seen)
        if beside and min(beside.values()) < _CLEARLY * value:
            rival = min(beside, key=lambda other: beside[other])
            yield (
                f"{rival} does better on held-out data, {name.replace('_', ' ')} {beside[rival]:.3g} against "
                f"{value:.3g}: this training has not learnt enough yet, or there are too few data"
            )


def _rivals(name: str, seen: Mapping[str, float]) -> dict[str, float]:
    return {other.removeprefix(f"{name}_"): value for other, value in seen.items() if other.startswith(f"{name}_")}
