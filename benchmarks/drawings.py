"""Two sets of small images that nobody has trained on, drawn from code and a seed: ``glyphs`` and ``shapes``.

Each has ten classes of random pose, form and look. Glyphs are strokes, grey, 28 x 28; shapes are filled, with a texture
on a background of other colours, 32 x 32. Edges are anti-aliased. Image i of a split and a class is a function of
(seed, split, class, i).
"""

import colorsys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float64]
Stroke = Callable[[np.random.Generator], list[Array]]
Inside = Callable[[Array, Array, np.random.Generator], npt.NDArray[np.bool_]]
_FINER = 3
"""Points per pixel and axis where shapes are filled."""


def _arc(start: float, end: float, count: int = 24) -> Array:
    angle = np.linspace(start, end, count)
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def _corners(rng: np.random.Generator, count: int, jitter: float) -> list[Array]:
    angle = 2 * np.pi * (np.arange(count + 1) % count) / count + np.pi / count
    points = np.stack([np.sin(angle), np.cos(angle)], 1)
    points[:-1] += rng.uniform(-jitter, jitter, (count, 2))
    points[-1] = points[0]
    return [points]


def _ring(rng: np.random.Generator) -> list[Array]:
    return [_arc(0, 2 * np.pi) * [rng.uniform(0.55, 1), 1]]


def _cross(rng: np.random.Generator) -> list[Array]:
    middle, angle = rng.uniform(-0.3, 0.3, 2), rng.uniform(-0.3, 0.3, 2)
    return [
        np.array([[-1, -turn], [1, turn]]) @ np.array([[1, 0], [0, 1]] if flat else [[0, 1], [1, 0]]) + middle * shift
        for turn, flat, shift in zip(angle, (True, False), ([0, 1], [1, 0]), strict=True)
    ]


def _zigzag(rng: np.random.Generator) -> list[Array]:
    count = rng.integers(4, 7)
    height = np.where(np.arange(count) % 2, 1, -1) * rng.uniform(0.35, 0.8, count)
    return [np.stack([np.linspace(-1, 1, count), height], 1)]


def _wave(rng: np.random.Generator) -> list[Array]:
    x = np.linspace(-1, 1, 32)
    phase, cycles = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 1.5)
    return [np.stack([x, rng.uniform(0.4, 0.8) * np.sin(phase + 2 * np.pi * cycles * x / 2)], 1)]


def _spiral(rng: np.random.Generator) -> list[Array]:
    turns = rng.uniform(1.5, 2.1)
    angle = np.linspace(0.4, 2 * np.pi * turns, 48)
    points = (angle / angle[-1])[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return [points * [rng.choice([-1, 1]), 1]]


def _arrow(rng: np.random.Generator) -> list[Array]:
    head, spread = rng.uniform(0.4, 0.8), rng.uniform(0.4, 0.8)
    bend = rng.uniform(-0.25, 0.25)
    shaft = np.array([[-1, 0], [0, bend], [1, 0]])
    return [shaft, np.array([[1 - head, spread], [1, 0], [1 - head, -spread]])]


def _tee(rng: np.random.Generator) -> list[Array]:
    place = rng.uniform(-0.35, 0.35)
    return [np.array([[-0.9, -0.9], [0.9, -0.9]]), np.array([[place, -0.9], [place + rng.uniform(-0.3, 0.3), 1]])]


def _hook(rng: np.random.Generator) -> list[Array]:
    width = rng.uniform(0.5, 0.9)
    bow = _arc(0, np.pi * rng.uniform(0.8, 1.1)) * [width, 0.5] + [0, 0.45]
    return [np.concatenate([[[width, -1]], bow])]


GLYPHS: Mapping[str, Stroke] = {
    "arrow": _arrow,
    "cross": _cross,
    "frame": lambda rng: _corners(rng, 4, 0.2),
    "hook": _hook,
    "ring": _ring,
    "spiral": _spiral,
    "tee": _tee,
    "triangle": lambda rng: _corners(rng, 3, 0.25),
    "wave": _wave,
    "zigzag": _zigzag,
}


def glyph(stroke: Stroke, rng: np.random.Generator, size: int = 28) -> npt.NDArray[np.uint8]:
    """A glyph, (size, size): white strokes whose ink fades, on black."""
    turn, shear = rng.uniform(-0.45, 0.45), rng.uniform(-0.2, 0.2)
    scale = size / 2 * rng.uniform(0.55, 0.75) * np.array([rng.uniform(0.8, 1.2), 1])
    pose = _turn(turn) @ np.array([[1, shear], [0, 1]]) * scale
    centre = (size - 1) / 2 + rng.uniform(-2, 2, 2)
    pixels = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(-1, 2).astype(float)
    distance = np.min([_distance(pixels, line @ pose.T + centre) for line in stroke(rng)], 0)
    ink = np.clip((rng.uniform(0.8, 1.7) - distance) / rng.uniform(0.8, 1.4) + 0.5, 0, 1)
    slope = _turn(rng.uniform(0, 2 * np.pi))[0] * rng.uniform(0, 0.35) / size
    shade = np.clip(rng.uniform(0.75, 1) + (pixels - size / 2) @ slope, 0.3, 1)
    return np.uint8(np.round(255 * ink * shade)).reshape(size, size)


def _turn(angle: float) -> Array:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _distance(pixels: Array, line: Array) -> Array:
    """Of each pixel from a line of segments."""
    start, along = line[:-1], np.diff(line, axis=0)
    away = pixels[:, None] - start
    part = np.clip((away * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-12), 0, 1)
    nearest: Array = np.sqrt(((away - part[..., None] * along) ** 2).sum(-1)).min(1)
    return nearest


def _polygon(sides: int) -> Inside:
    def inside(x: Array, y: Array, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
        angle = 2 * np.pi * np.arange(sides) / sides
        return np.max([np.cos(a) * x + np.sin(a) * y for a in angle], 0) < np.cos(np.pi / sides)

    return inside


def _star(x: Array, y: Array, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    depth, part = rng.uniform(0.4, 0.55), np.pi / 5
    angle = np.abs((np.arctan2(y, x) + part) % (2 * part) - part)
    radius = np.hypot(x, y)
    u, v = radius * np.cos(angle), radius * np.sin(angle)
    corner = np.array([depth * np.cos(part), depth * np.sin(part)])
    return (u - 1) * corner[1] - v * (corner[0] - 1) < 0


def _heart(x: Array, y: Array, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    u, v = 1.15 * x, 0.2 - 1.15 * y
    return (u**2 + v**2 - 0.6) ** 3 < 1.3 * u**2 * v**3


def _hollow(x: Array, y: Array, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    radius = np.hypot(x, y)
    return (radius < 1) & (radius > rng.uniform(0.4, 0.65))


def _moon(x: Array, y: Array, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    shift = rng.uniform(0.45, 0.7)
    return (np.hypot(x, y) < 1) & (np.hypot(x - shift, y) > rng.uniform(0.8, 0.95))


def _plus(x: Array, y: Array, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    width = rng.uniform(0.22, 0.36)
    return (np.minimum(np.abs(x), np.abs(y)) < width) & (np.maximum(np.abs(x), np.abs(y)) < 1)


def _pill(x: Array, y: Array, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    width = rng.uniform(0.3, 0.42)
    return np.hypot(np.maximum(np.abs(x) - (1 - width), 0), y) < width


SHAPES: Mapping[str, Inside] = {
    "disc": lambda x, y, rng: np.hypot(x, y) < 0.9,
    "heart": _heart,
    "moon": _moon,
    "pentagon": _polygon(5),
    "pill": _pill,
    "plus": _plus,
    "ring": _hollow,
    "square": _polygon(4),
    "star": _star,
    "triangle": _polygon(3),
}


def shape(inside: Inside, rng: np.random.Generator, size: int = 32) -> npt.NDArray[np.uint8]:
    """A shape, (size, size, 3): two colours in a texture, on a background that runs from one colour to another."""
    fine = size * _FINER
    y, x = (np.mgrid[:fine, :fine] + 0.5) / _FINER
    centre = size / 2 + rng.uniform(-3, 3, 2)
    pose = _turn(rng.uniform(0, 2 * np.pi)) / (size / 2 * rng.uniform(0.5, 0.8))
    squeeze = rng.uniform(0.85, 1.15)
    u, v = (row[0] * (x - centre[0]) + row[1] * (y - centre[1]) for row in pose)
    mask = inside(u * squeeze, v / squeeze, rng).astype(float)
    cover = mask.reshape(size, _FINER, size, _FINER).mean((1, 3))[..., None]
    y, x = np.mgrid[:size, :size].astype(float)
    light = rng.random() < 0.5
    front = [_colour(rng, (0.15, 0.45) if light else (0.6, 0.95), (0.5, 1)) for _ in range(2)]
    back = [_colour(rng, (0.7, 1) if light else (0.05, 0.35), (0.1, 0.5)) for _ in range(2)]
    fade = np.clip(0.5 + ((x - size / 2) * rng.uniform(-1, 1) + (y - size / 2) * rng.uniform(-1, 1)) / size, 0, 1)
    ground = back[0] + fade[..., None] * (back[1] - back[0])
    paint = front[0] + _texture(x, y, rng)[..., None] * (front[1] - front[0])
    return np.uint8(np.round(255 * (ground + cover * (paint - ground))))


def _colour(rng: np.random.Generator, value: tuple[float, float], saturation: tuple[float, float]) -> Array:
    return np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value)))


def _texture(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """How much of the second colour, (size, size): none, soft stripes, soft checks."""
    kind, angle = rng.integers(3), rng.uniform(0, np.pi)
    wave = 2 * np.pi / rng.uniform(5, 10)
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    phase = rng.uniform(0, 2 * np.pi, 2)
    if kind == 0:
        return np.zeros_like(x)
    pattern = np.sin(wave * along + phase[0]) * (np.sin(wave * across + phase[1]) if kind == 2 else 1)
    return np.clip(0.5 + pattern, 0, 1)


SETS: Mapping[str, Mapping[str, Callable[[np.random.Generator], npt.NDArray[np.uint8]]]] = {
    "glyphs": {name: lambda rng, stroke=stroke: glyph(stroke, rng) for name, stroke in GLYPHS.items()},
    "shapes": {name: lambda rng, inside=inside: shape(inside, rng) for name, inside in SHAPES.items()},
}


def write(name: str, folder: Path, counts: Mapping[str, int], seed: int = 0) -> None:
    """Draws a set as ``folder/SPLIT/CLASS/*.png``.

    Args:
        counts: Images of each class, by split.
    """
    for part, (split, count) in enumerate(counts.items()):
        for number, (label, draw) in enumerate(SETS[name].items()):
            place = folder / split / label
            place.mkdir(parents=True, exist_ok=True)
            for image in range(count):
                pixels = draw(np.random.default_rng([seed, part, number, image]))
                Image.fromarray(pixels).save(place / f"{image:05d}.png")
