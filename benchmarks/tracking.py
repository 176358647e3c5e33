"""What tracking costs a training: its steps per second with a tracker over those without one, in one run.

    python benchmarks/tracking.py [--steps 400] [--rounds 3] [--architecture unet-tiny]

Trains on random images, tracked in a new SQLite file and not tracked, in turns, each time in a process of its own, and
reads the speed from the log, from the 50th step on. The recorder's start, two seconds of processor time, lies within
where steps are slow; so the shorter a training and the fewer the cores, the dearer it is. Beside it stands the
processor time of the training's own process, which other work on the machine changes little. The weights are compared,
too: they must be the same to the bit.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from becalm.files.checkpoint import Checkpoint
from becalm_images.data import idx

FROM = 50
MEASURED = """
import atexit, time
atexit.register(lambda: print(time.process_time()))
from becalm_apps.main import main
main()
"""


def data(folder: Path) -> None:
    """Writes random images as idx files."""
    random = np.random.default_rng(0)
    for split, count in (("train", 512), ("t10k", 64)):
        idx.write(folder / f"{split}-images-idx3-ubyte.gz", random.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        idx.write(folder / f"{split}-labels-idx1-ubyte.gz", np.arange(count, dtype=np.uint8) % 10)


def train(folder: Path, name: str, options: argparse.Namespace, flags: list[str]) -> tuple[float, float, str]:
    """Steps per second of a training, processor seconds of its process, and the digest of its weights."""
    out = folder / f"{name}.safetensors"
    words = ["--steps", options.steps, "--every", options.steps, "--architecture", options.architecture, "--quiet"]
    fixed = ["--data", folder, "--precision", "fp32", "--device", "cpu", "--batch", options.batch, "--out", out]
    command = [sys.executable, "-c", MEASURED, "images", "train", *words, *fixed, *flags]
    environment = {**os.environ, "BECALM_TRACKING_WAIT": "600"}
    done = subprocess.run(  # noqa: S603 (our own command)
        [str(word) for word in command], check=True, env=environment, stdout=subprocess.PIPE
    )
    lines = [json.loads(line) for line in out.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
    spent = lines[-1]["seconds"] - lines[FROM - 1]["seconds"]
    return (len(lines) - FROM) / spent, float(done.stdout.split()[-1]), Checkpoint.read(out).digest


def main() -> None:
    parser = argparse.ArgumentParser(description="Steps per second of a training with tracking over those without.")
    parser.add_argument("--steps", type=int, default=400, help="steps of each training")
    parser.add_argument("--rounds", type=int, default=3, help="trainings of each kind")
    parser.add_argument("--batch", type=int, default=32, help="images per step")
    parser.add_argument("--architecture", default="unet-tiny", help="network")
    options = parser.parse_args()
    speeds: dict[str, list[float]] = {"not tracked": [], "tracked": []}
    costs: dict[str, list[float]] = {"not tracked": [], "tracked": []}
    digests: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data(folder)
        for number in range(options.rounds):
            store = ["--tracking", str(folder / f"{number}.db")]
            for kind, flags in (("not tracked", ["--no-tracking"]), ("tracked", store)):
                speed, cost, digest = train(folder, f"{kind.replace(' ', '-')}-{number}", options, flags)
                speeds[kind].append(speed)
                costs[kind].append(cost)
                digests.add(digest)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"{platform.machine()}, {cores} cores, {options.architecture}, {options.steps} steps of {options.batch} images"
    )
    for what, figures in (("steps/s", speeds), ("processor seconds of the training itself", costs)):
        for kind, found in figures.items():
            print(f"  {kind:<12} {statistics.median(found):8.3f} {what}   ({', '.join(f'{one:.3f}' for one in found)})")
        ratios = [mine / alone for mine, alone in zip(figures["tracked"], figures["not tracked"], strict=True)]
        print(f"  ratio        {statistics.median(ratios):8.3f}   ({', '.join(f'{ratio:.3f}' for ratio in ratios)})")
    print(f"  weights      {'the same to the bit' if len(digests) == 1 else 'DIFFER'}")


if __name__ == "__main__":
    main()
