"""The learned violation beside the closed form, as guidance of the latent route, on programs neither has seen.

    python benchmarks/latent.py runs/set-cover runs/set-cover-latent.safetensors runs/set-cover-violation.safetensors

The folder is labelled; its last programs, by ``--holdout``, were kept out of every training. Each guidance is given the
same steps, each of its scales a row: programs' samples as the last estimate rounds, with no search after. Gaps are to
the best label. Processor time; the time of one thread.
"""

import argparse
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import becalm
from becalm_programs.training import labels
from becalm_programs.training.examples import programs

CLOSED, LEARNED = (3.0, 10.0, 30.0, 100.0), (1.0, 10.0, 100.0, 1000.0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("checkpoint")
    parser.add_argument("classifier")
    parser.add_argument("--holdout", type=int, default=16)
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--objective", type=float, nargs="+", default=(0.0, 10.0))
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, held = becalm.load(args.checkpoint, "cpu"), programs(args.folder)[-args.holdout :]
    best = [float(labels.load(labels.place(path)).objective[0]) for path in held]
    print(platform.machine(), f"torch {torch.__version__}, {len(held)} programs, {args.count} samples of each, seed 0")
    print("guidance | objective | gamma | samples feasible % | programs feasible % | rows' violation | gap % | s")
    kinds: tuple[tuple[str, tuple[float, ...], dict[str, Any]], ...] = (
        ("none", (0.0,), {}),
        ("closed form, through the network", CLOSED, {}),
        ("learned, at the noisy embedding", LEARNED, {"classifier": args.classifier}),
    )
    for weight in args.objective:
        for name, scales, more in kinds:
            for gamma in scales:
                asked = {"guidance": gamma, "objective_weight": weight, "tier": "unguided", **more}
                row = judged(model, held, best, {"count": args.count, "steps": args.steps, **asked})
                print(" | ".join([name, f"{weight:g}", f"{gamma:g}", *row]), flush=True)


def judged(model: Any, held: list[Path], best: list[float], request: dict[str, Any]) -> list[str]:
    """Shares feasible, mean largest violation, mean gap of what is feasible, and seconds a program."""
    feasible, missed, gaps, begun = [], [], [], time.process_time()
    for path, optimum in zip(held, best, strict=True):
        samples = model.sample(model=str(path), seed=0, **request)
        found = model.domain.arrays(samples.data, samples.cond)
        feasible.append(found["feasible"].numpy())
        missed.append(found["max_violation"].numpy())
        gaps.extend((found["objective"].numpy()[feasible[-1]] / optimum - 1) * 100)
    seconds = (time.process_time() - begun) / len(held)
    shares = np.concatenate(feasible).mean(), np.mean([each.any() for each in feasible])
    gap = f"{np.mean(gaps):.1f}" if gaps else ""
    return [*(f"{100 * share:.1f}" for share in shares), f"{np.concatenate(missed).mean():.3f}", gap, f"{seconds:.2f}"]


if __name__ == "__main__":
    main()
