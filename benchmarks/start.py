"""What it costs to start: CPU seconds of ``becalm --help`` and of a sample, beside importing torch alone.

    python benchmarks/start.py [--runs N] [--json]

CPU seconds, user and system, of processes of their own with one thread; the median of N runs, after one that is not
counted. The sample has one image and one step, so nearly all that it costs beyond importing torch is overhead.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

BECALM = [sys.executable, "-m", "becalm_apps.main"]
COMMANDS = {
    "python": [sys.executable, "-c", "pass"],
    "becalm --help": [*BECALM, "--help"],
    "becalm images sample --help": [*BECALM, "images", "sample", "--help"],
    "import torch": [sys.executable, "-c", "import torch"],
    "becalm images sample": [*BECALM, "images", "sample", "--count", "1", "--steps", "1", "--quiet"],
}
HELP, OVERHEAD = 0.5, 2.0
"""The bars, in CPU seconds."""


def seconds(command: list[str], folder: str) -> float:
    """CPU seconds of a command and what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    # Our own words; nothing of a stranger's is run.
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {
            name: statistics.median([seconds(command, folder) for _ in range(given.runs + 1)][1:])
            for name, command in COMMANDS.items()
        }
    overhead = found["becalm images sample"] - found["import torch"]
    figures = {**found, "overhead of a sample beyond importing torch": overhead}
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    bars = {"becalm --help": HELP, "overhead of a sample beyond importing torch": OVERHEAD}
    for name, value in figures.items():
        bar = f"  bar {bars[name]:g}: {'met' if value < bars[name] else 'missed'}" if name in bars else ""
        print(f"{name:44} {value:5.2f} s CPU{bar}")


if __name__ == "__main__":
    main()
