"""The short version of ``make torture``: a policy's training, killed and with a broken disk at a few of its calls."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("torture.py")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at what a file descriptor is of")
def test_a_training_that_dies_anywhere_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    words = ("--domains", "policies", "--kills", 4, "--every", 45, "--untracked")
    found = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, words)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    rows = [line.split(" | ") for line in found.stdout.splitlines() if line.startswith("| policies")]
    assert len(rows) == 4 and all(row[2] == row[4] for row in rows), "all are identical, none is refused"
