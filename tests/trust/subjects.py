"""Tiny trainings of the three domains, whose data are made in a folder: a second each, with pictures and tracking."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

STEPS, EVERY = 4, 2
_COMMON = (
    *("--steps", STEPS, "--every", EVERY, "--preview", 2, "--precision", "fp32", "--device", "cpu", "--warmup", 1),
    *("--seed", 3, "--quiet"),
)


@dataclass(frozen=True)
class Subject:
    """A training.

    Attributes:
        domain: Its noun.
        settings: Flags that make it tiny.
    """

    domain: str
    settings: tuple[object, ...]

    def begin(self, out: Path) -> list[str]:
        """The command that begins it."""
        return [str(word) for word in (self.domain, "train", *self.settings, *_COMMON, "--out", out)]

    def resume(self, out: Path) -> list[str]:
        """The command that goes on with it."""
        words = (self.domain, "train", "--resume", "--every", EVERY, "--preview", 2, "--device", "cpu", "--quiet")
        return [str(word) for word in (*words, "--out", out)]


def subjects(folder: Path, domains: Sequence[str]) -> dict[str, Subject]:
    """The trainings by domain, with their data in a folder."""
    made = {"images": _images, "policies": _demonstrations, "programs": _programs}
    settings: dict[str, tuple[object, ...]] = {
        "images": ("--architecture", "unet-tiny", "--batch", 4),
        "policies": ("--architecture", "mlp-tiny", "--batch", 8),
        "programs": ("--width", 8, "--rounds", 1, "--batch", 2, "--holdout", 0),
    }
    return {noun: Subject(noun, ("--data", made[noun](folder), *settings[noun])) for noun in domains}


def _images(place: Path) -> Path:
    from becalm_images.data import idx

    folder = place / "shapes"
    rng = np.random.default_rng(0)
    folder.mkdir()
    for split, count in (("train", 24), ("t10k", 8)):
        idx.write(folder / f"{split}-images-idx3-ubyte.gz", rng.integers(0, 256, (count, 8, 8), dtype=np.uint8))
        idx.write(folder / f"{split}-labels-idx1-ubyte.gz", (np.arange(count) % 3).astype(np.uint8))
    return folder


def _demonstrations(place: Path) -> Path:
    from becalm_policies.demonstrations.episodes import Episodes

    path = place / "demonstrations.npz"
    rng = np.random.default_rng(0)
    ends = np.array([30, 62, 90])
    observations = np.cumsum(rng.normal(0, 1, (90, 3)), axis=0)
    actions = observations[:, :2] + rng.normal(0, 0.1, (90, 2))
    spec = {"action_low": [-99.0, -99.0], "action_high": [99.0, 99.0]}
    Episodes(observations, actions, ends, None, "", spec).write(path)
    return path


def _programs(beside: Path) -> Path:
    from becalm_programs.families import generate
    from becalm_programs.formats.mps import write_mps
    from becalm_programs.options import LabelOptions
    from becalm_programs.training.label import Task, label
    from becalm_programs.training.labels import place, write

    folder = beside / "covers"
    folder.mkdir()
    options = LabelOptions(folder=str(folder), steps=1, solutions=2, workers=1)
    for seed in (1000, 1001):
        path = folder / f"{seed}.mps.gz"
        write_mps(path, generate("set-cover", "small", seed))
        labels = label(Task(path, path.read_bytes(), options))
        assert not isinstance(labels, str), labels
        write(place(path), labels, options)
    return folder
