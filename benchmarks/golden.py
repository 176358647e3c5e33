"""Whether two versions of becalm draw the same samples, to the bit: every bundled checkpoint with every sampler.

    python benchmarks/golden.py --write OTHER.npz          in the version to compare with, such as a git worktree
    python benchmarks/golden.py --against OTHER.npz        in this one

Sums depend on the processor, so both are run on one machine; one thread. Runs that a version refuses are left out of
its file and named in the comparison.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import becalm
from becalm.errors import UserError

SAMPLERS: dict[str, dict[str, Any]] = {
    "ddpm": {"sampler": "ddpm"},
    "ddpm-large": {"sampler": "ddpm", "variance": "large"},
    "ddim": {"sampler": "ddim", "eta": 0.0},
    "ddim-eta": {"sampler": "ddim", "eta": 1.0},
    "euler": {"sampler": "euler"},
    "euler-churn": {"sampler": "euler", "churn": 2.0},
    "heun": {"sampler": "heun"},
    "heun-churn": {"sampler": "heun", "churn": 2.0},
    "dpmpp2m": {"sampler": "dpmpp2m"},
    "dpmpp3m": {"sampler": "dpmpp3m"},
    "dpmppsde": {"sampler": "dpmppsde"},
    "unipc": {"sampler": "unipc"},
    "extra": {"sampler": "ddpm", "extra": 3},
    "karras": {"sampler": "dpmpp2m", "spacing": "karras"},
    "log_snr": {"sampler": "unipc", "spacing": "log_snr"},
    "times": {"sampler": "ddim", "times": (1.0, 0.6, 0.2)},
}
POLICIES = ("pusht", "lander", "fork")
FAMILIES = ("set-cover", "auction", "facility", "independent-set")


def images() -> Iterator[tuple[str, Any]]:
    """Digits: each sampler; guidance by the null class and by a classifier; edits."""
    model = becalm.load("mnist", "cpu")
    for name, fields in SAMPLERS.items():
        yield f"mnist/{name}", partial(_sample, model, steps=6, **fields)
    guided: dict[str, dict[str, Any]] = {
        "rescaled": {"guidance": 3.0, "rescale": 0.7},
        "unconditional": {"guidance": 0.0},
        "classifier": {"guidance": 0.0, "classifier_guidance": 5.0, "sampler": "ddpm"},
        "dynamic": {"threshold": "dynamic"},
    }
    for name, fields in guided.items():
        yield f"mnist/{name}", partial(_sample, model, steps=6, **fields)
    data = model.sample(count=2, steps=6, seed=2).data.float().round().clamp(0, 255)
    yield "mnist/redrawn", lambda: list(model.edit(data, start=0.5, count=2, steps=6))[-1].x
    mask = torch.zeros(1, 28, 28, dtype=torch.bool)
    mask[:, :14] = True
    yield "mnist/filled", lambda: list(model.edit(data, mask=mask, count=2, steps=6, sampler="ddpm"))[-1].x


def policies() -> Iterator[tuple[str, Any]]:
    """Chunks of actions: each sampler; and what a policy does in ten steps."""
    for checkpoint in POLICIES:
        model = becalm.load(checkpoint, "cpu")
        for name, fields in SAMPLERS.items():
            wanted = {"steps": 6, "temperature": 1.0, **fields}
            yield f"{checkpoint}/{name}", partial(_sample, model, **wanted)
        yield f"{checkpoint}/act", partial(_act, checkpoint)


def _sample(model: Any, **fields: Any) -> torch.Tensor:
    x0: torch.Tensor = model.sample(count=3, seed=1, **fields).x0
    return x0


def _act(checkpoint: str) -> torch.Tensor:
    import becalm_policies

    policy = becalm_policies.load(checkpoint, device="cpu")
    generator = np.random.default_rng(0)
    walk = generator.normal(size=(10, policy.domain.observation_size)).cumsum(0)
    policy.reset()
    return torch.from_numpy(np.stack([policy.act(seen) for seen in walk]))


def _solve(problem: Any, tier: str) -> torch.Tensor:
    from becalm_programs.solutions import solutions

    return torch.from_numpy(solutions(problem, count=4, tier=tier).x)


def programs() -> Iterator[tuple[str, Any]]:
    """Entries of solutions: each sampler; and what the one call from a program to solutions gives."""
    from becalm_programs.families import generate

    for family in FAMILIES:
        model, problem = becalm.load(family, "cpu"), generate(family, "tiny", 0)
        for name, fields in SAMPLERS.items():
            yield f"{family}/{name}", partial(_sample, model, steps=6, **fields)
        for tier in ("unguided", "guided", "1-opt"):
            yield (
                f"{family}/{tier}",
                partial(_solve, problem, tier),
            )


def draw(only: str) -> dict[str, np.ndarray]:
    """All samples by name; what is refused is left out."""
    found: dict[str, np.ndarray] = {}
    parts = {images: ("mnist",), policies: POLICIES, programs: FAMILIES}
    chosen = [part for part, names in parts.items() if any(name.startswith(only.partition("/")[0]) for name in names)]
    for name, run in (entry for part in chosen for entry in part()):
        if not name.startswith(only):
            continue
        try:
            found[name] = run().detach().numpy()
        except (UserError, ValueError, TypeError, AttributeError) as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    return found


def compare(mine: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    """What differs, a line each."""
    lines = [f"{name}: only in one of them" for name in sorted(mine.keys() ^ other.keys())]
    for name in sorted(mine.keys() & other.keys()):
        one, two = mine[name], other[name]
        if one.shape != two.shape:
            lines.append(f"{name}: {one.shape} and {two.shape}")
        elif one.tobytes() != two.tobytes():
            lines.append(
                f"{name}: {(one != two).mean():.1%} of the numbers differ, by at most {abs(one - two).max():.3g}"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Samples of every bundled checkpoint with every sampler.")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--write", type=Path, help="file to write the samples to")
    place.add_argument("--against", type=Path, help="file to compare with")
    parser.add_argument("--only", default="", help="beginning of the names to draw")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = draw(options.only)
    if options.write is not None:
        np.savez(options.write, **{name.replace("/", "|"): value for name, value in found.items()})
        print(f"{len(found)} runs")
        return
    with np.load(options.against) as stored:
        other = {
            name.replace("|", "/"): stored[name]
            for name in stored.files
            if name.startswith(options.only.replace("/", "|"))
        }
    lines = compare(found, other)
    print("\n".join([*lines, f"{len(found)} runs, {len(lines)} differ"]))
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
