"""Small batches of problems, noise of theirs, and a level."""

import torch

from becalm.schedule import Cosine
from becalm_programs.families import generate
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm

LEVEL = Cosine()(torch.tensor(0.3, dtype=torch.float64))


def form(family: str, seed: int = 0) -> StandardForm:
    return StandardForm.of(generate(family, "tiny", seed))


def mixed() -> ProblemBatch:
    """Samples of three programs of different sizes: two, two, one, and one of the first again."""
    made = (form("set-cover"), form("facility"), form("knapsack"))
    return ProblemBatch(made, (0, 0, 1, 1, 2, 0))


def noise(cond: ProblemBatch, seed: int = 0) -> torch.Tensor:
    return torch.randn(len(cond.owner), generator=torch.Generator().manual_seed(seed))
