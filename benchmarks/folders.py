"""An hour for a folder of images that becalm has never seen, with the plain command: how far from real images it gets.

    python benchmarks/folders.py [--minutes 60] [--only glyphs,shapes] [--out runs/folders]

draws two sets (``benchmarks/drawings.py``), trains a model of each by ``becalm images train --data DIR --minutes M``, a
judge by ``becalm images judge --data DIR``, and has it compare 2,000 samples with as many real images. What is done is
kept in --out: interrupted, the same command goes on, a training with the time that it has left. On one core:

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/folders.py
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drawings import SETS, write

from becalm.files.atomic import write_atomic
from becalm.files.checkpoint import Checkpoint

COUNTS = {"train": 1600, "test": 400}
"""Images of each of the ten classes."""
SAMPLES = 2000
CHECKPOINT = Path("runs/images.safetensors")
REQUESTS = {"as it comes": [], "guidance 1": ["--guidance", "1"]}
"""What is asked of each model, by a name."""


def becalm(place: Path, *words: object) -> str:
    """Runs the command in a folder; returns what it prints."""
    line = [sys.executable, "-m", "becalm_apps.main", "images", *map(str, words)]
    print(f"{place}: becalm {' '.join(line[3:])}", flush=True)
    return subprocess.run(line, cwd=place, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603


def draw(name: str, place: Path) -> None:
    """The set's images, once."""
    done = place / "drawn"
    if not done.exists():
        write(name, place / "images", COUNTS)
        done.touch()


def train(place: Path, minutes: float) -> None:
    """The model, from where it stands."""
    if not (place / CHECKPOINT).exists():
        becalm(place, "train", "--data", "images", "--minutes", minutes)
        return
    begun = Checkpoint.read(place / CHECKPOINT).config["training"]["minutes"]
    if begun != minutes:
        sys.exit(f"{place / CHECKPOINT} is a training of {begun:g} minutes: name another --out for {minutes:g}")
    becalm(place, "train", "--resume")


def judge(place: Path) -> Path:
    """The judge of the set, once."""
    path = place / "judge.safetensors"
    if not path.exists():
        becalm(place, "judge", "--data", "images", "--out", path.name)
    return path


def evaluate(place: Path, path: Path) -> Iterator[dict[str, Any]]:
    """The figures of each request, once for each pair of model and judge."""
    model, against = (Checkpoint.read(file) for file in (place / CHECKPOINT, path))
    store = place / "figures.json"
    figures = json.loads(store.read_text()) if store.exists() else {}
    for name, flags in REQUESTS.items():
        key = f"{model.digest} {against.digest} {SAMPLES} {name}"
        if key not in figures:
            words = ("--checkpoint", CHECKPOINT, "--judge", path.name, "--count", SAMPLES, *flags, "--json")
            figures[key] = json.loads(becalm(place, "evaluate", *words))["metrics"]
            write_atomic(store, json.dumps(figures, indent=1).encode())
        yield {"request": name, **figures[key], **model.config}


def row(name: str, found: dict[str, Any]) -> str:
    """A row of the table."""
    floor = found["fid_floor"]
    cells = [name, f"{found['training']['minutes']:g}", found["step"], found["request"], f"{found['fid']:.2f}"]
    cells += [f"{floor:.2f}", f"{found['fid'] / floor:.2f}", f"{found['accuracy']:.3f}"]
    return "| " + " | ".join(map(str, [*cells, f"{found['accuracy_floor']:.3f}"])) + " |"


def main() -> None:
    """Does what is not done yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="Wall-clock of each training.")
    parser.add_argument("--only", default=",".join(SETS), help="Names of sets.")
    parser.add_argument("--out", type=Path, default=Path("runs/folders"), help="Folder of all that is made.")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only.split(","):
        place = arguments.out / name
        draw(name, place)
        path = judge(place)
        train(place, arguments.minutes)
        rows += [row(name, found) for found in evaluate(place, path)]
    print("| set | minutes | steps | request | FID | real images | ratio | accuracy | real images |")
    print("|---" * 9 + "|", *rows, sep="\n")


if __name__ == "__main__":
    main()
