"""Shapes of our own drawing: outlines as polygons, one with a hole, all within the unit disc about (0, 0)."""

from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NAMES = ("star", "ring", "duck", "moon", "leaf")


@cache
def edges(name: str) -> tuple[Array, Array]:
    """First and second ends (K, 2) of a shape's edges. A point is inside if a ray from it crosses an odd number."""
    outlines = _OUTLINES[name]()
    return np.concatenate(outlines), np.concatenate([np.roll(outline, -1, axis=0) for outline in outlines])


def outlines(name: str) -> list[Array]:
    """The closed lines of a shape, (K, 2) each; the second one, if any, is a hole."""
    return _OUTLINES[name]()


def inside(points: Array, name: str) -> npt.NDArray[np.bool_]:
    """Which points (..., 2) lie in a shape, (...)."""
    first, second = edges(name)
    x, y = points[..., None, 0], points[..., None, 1]
    between = (first[:, 1] > y) != (second[:, 1] > y)
    rise = second[:, 1] - first[:, 1]
    # Level edges lie between no two heights; the division only must not warn of them.
    cross = first[:, 0] + (y - first[:, 1]) * (second[:, 0] - first[:, 0]) / np.where(rise == 0, 1, rise)
    odd: npt.NDArray[np.bool_] = np.count_nonzero(between & (x < cross), axis=-1) % 2 == 1
    return odd


def distance(points: Array, name: str) -> Array:
    """Distance of points (..., 2) to the nearest edge of a shape, (...)."""
    first, second = edges(name)
    along = second - first
    offset = points[..., None, :] - first
    share = np.clip((offset * along).sum(-1) / (along**2).sum(-1), 0, 1)
    nearest: Array = np.linalg.norm(offset - share[..., None] * along, axis=-1).min(-1)
    return nearest


def _polar(radius: npt.ArrayLike) -> Array:
    angle = np.arange(64) * 2 * np.pi / 64
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _star() -> list[Array]:
    angle = np.pi / 2 + np.arange(10) * np.pi / 5
    radius = np.where(np.arange(10) % 2 == 0, 1.0, 0.55)
    return [np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)]


def _ring() -> list[Array]:
    return [_polar(1.0), _polar(0.5)]


def _duck() -> list[Array]:
    """A bath duck that looks to the right: a hull, a head, a bill, a tail."""
    points = [
        (-0.98, 0.18), (-0.80, -0.35), (-0.50, -0.66), (0.00, -0.76), (0.46, -0.66), (0.72, -0.36), (0.70, -0.06),
        (0.52, 0.16), (0.62, 0.32), (0.96, 0.34), (0.98, 0.46), (0.66, 0.56), (0.56, 0.76), (0.32, 0.88),
        (0.06, 0.80), (-0.08, 0.58), (-0.06, 0.34), (-0.18, 0.14), (-0.46, 0.08), (-0.74, 0.16),
    ]  # fmt: skip
    return [np.array(points) / 1.085]


def _moon() -> list[Array]:
    """A crescent, open to the right."""
    outer = np.linspace(np.pi / 3, 5 * np.pi / 3, 40)
    inner = np.linspace(5 * np.pi / 3, np.pi / 3, 40)[1:-1]
    tips = np.array([0.5, np.sin(np.pi / 3)])
    # The inner arc has its centre to the right and meets the outer one in the tips.
    centre = 0.75
    radius = float(np.hypot(tips[0] - centre, tips[1]))
    bend = np.arctan2(tips[1], tips[0] - centre)
    turned = np.interp(inner, (np.pi / 3, 5 * np.pi / 3), (bend, 2 * np.pi - bend))
    arcs = [
        np.stack([np.cos(outer), np.sin(outer)], axis=-1),
        np.stack([centre + radius * np.cos(turned), radius * np.sin(turned)], axis=-1),
    ]
    return [np.concatenate(arcs)]


def _leaf() -> list[Array]:
    """Two arcs that meet in two tips, with a stalk's notch."""
    along = np.linspace(-1, 1, 32)
    width = 0.55 * (1 - along**2)
    turn = np.array([[np.cos(0.6), -np.sin(0.6)], [np.sin(0.6), np.cos(0.6)]])
    upper, lower = np.stack([along, width], axis=-1), np.stack([along[::-1], -width[::-1]], axis=-1)[1:-1]
    return [np.concatenate([upper, lower]) @ turn.T]


_OUTLINES = {"star": _star, "ring": _ring, "duck": _duck, "moon": _moon, "leaf": _leaf}
