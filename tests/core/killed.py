"""Trains the toy domain, saving after every step, in children that are killed at random moments; run by test_training.

    python killed.py FOLDER KILLS TRAINING OBJECTIVE DOMAIN

The last three are JSON. Prints, as JSON, how many children were killed and the digests of the resume state and of the
checkpoint, first of the killed training, then of one left alone. That one goes first, and its quickest step is the
measure of how long a child lives: some part of a step to three and a half, whatever the machine.
"""

import json
import math
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # Which a training's first step loads: too long for a child that is soon killed.
from toy import Points

from becalm.files.checkpoint import Checkpoint
from becalm.objective import Objective
from becalm.schedule import Cosine
from becalm.train import Training, begin, train
from becalm.train.resume import resume, resume_path, save

CPU = torch.device("cpu")


def go_on(path: Path, settings: list[dict[str, Any]]) -> float:
    """Trains to the end; returns the seconds of its quickest step with its save."""
    training, objective, domain = settings
    if resume_path(path).exists():
        state = resume(path, CPU)
    else:
        state = begin(Points(**domain), Cosine(), Objective(**objective), Training(**training), CPU)
    quickest, begun = math.inf, time.perf_counter()
    for _ in train(state):
        save(state, path)
        quickest, begun = min(quickest, time.perf_counter() - begun), time.perf_counter()
    return quickest


def digests(path: Path) -> list[str]:
    return [Checkpoint.read(place).digest for place in (resume_path(path), path)]


def main() -> None:
    folder, kills, *texts = sys.argv[1:]
    settings = [json.loads(text) for text in texts]
    torch.set_num_threads(1)
    killed, alone = Path(folder) / "killed.safetensors", Path(folder) / "alone.safetensors"
    measured = Path(folder) / "seconds"
    child = os.fork()
    if child == 0:
        measured.write_text(str(go_on(alone, settings)))
        os._exit(0)
    os.waitpid(child, 0)
    step, moment, died = float(measured.read_text()), random.Random(0), 0
    while True:
        child = os.fork()
        if child == 0:
            go_on(killed, settings)
            os._exit(0)
        if died < int(kills):
            time.sleep(step * moment.uniform(0.5, 3.5))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            break
        died += 1
    exit_code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"died": died, "exit": exit_code, "killed": digests(killed), "alone": digests(alone)}))


if __name__ == "__main__":
    main()
