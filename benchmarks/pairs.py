"""How often ``becalm policies compare`` calls a difference on 500 matched starts, by simulation.

    python benchmarks/pairs.py [--pairs 4000]

A start is as easy as a draw of a beta distribution says; both policies take the same quantile of theirs, and each
episode succeeds by a coin of its own. Successes of one start under one policy correlate by ``CORRELATION``.
"""

import argparse

import numpy as np
from scipy import stats

from becalm_policies.rollouts.paired import exact_flips

STARTS, SUCCESS, CORRELATION = 500, 0.9, 0.1
"""Of the bundled Push-T policy on protocol lerobot, see docs/policies.md."""


def successes(difference: float, episodes: int, pairs: int, seed: int) -> np.ndarray:
    """(pairs, 2, episodes, STARTS) whether each episode succeeds."""
    rng = np.random.default_rng(seed)
    levels, weight = (np.arange(200) + 0.5) / 200, 1 / CORRELATION - 1
    shares = (SUCCESS, SUCCESS - difference)
    table = np.stack([stats.beta.ppf(levels, weight * share, weight * (1 - share)) for share in shares])
    easy = np.moveaxis(table[:, rng.integers(len(levels), size=(pairs, 1, STARTS))], 0, 1)
    found: np.ndarray = rng.random((pairs, 2, episodes, STARTS)) < easy
    return found


def main() -> None:
    """Prints a table: episodes of a start, true difference, share of pairs called, share of starts that differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=4000)
    pairs = parser.parse_args().pairs
    print("episodes of a start | true difference | called | starts that differ")
    for episodes in (1, 2, 3):
        for difference in (0.0, 0.05):
            counts = successes(difference, episodes, pairs, seed=0).sum(2)
            called = np.mean([exact_flips(second - first) <= 0.05 for first, second in counts])
            print(f"{episodes} | {difference:g} | {called:.3f} | {(counts[:, 0] != counts[:, 1]).mean():.3f}")


if __name__ == "__main__":
    main()
