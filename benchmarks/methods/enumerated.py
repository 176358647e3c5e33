"""How far counts of solutions are from an enumerated posterior: particles, one guided estimate, none, exact draws.

    python benchmarks/methods/enumerated.py

The program, the energy and the distance are those of tests/programs/guidance/test_posterior_counts.py. Seed 0; seconds.
"""

import platform
import sys
from pathlib import Path

import torch

from becalm.sampler import DDIM, Particles

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "programs" / "guidance"))


def main() -> None:
    from test_posterior_counts import COUNT, apart, energy

    print(platform.machine(), f"torch {torch.__version__}, {COUNT} samples, seed 0; total variation to the posterior")
    for name, sampler, guided in (
        ("8 particles", Particles(energy=energy, count=8), False),
        ("one estimate guided through", DDIM(eta=1.0), True),
        ("no guidance", DDIM(eta=1.0), False),
    ):
        found, exact = apart(sampler, guided)
        print(f"{name}: {found:.3f}; as many exact draws: {exact:.3f}")


if __name__ == "__main__":
    main()
