"""Constraint guidance: the violation's descent on the way, rounding search near clean.

Both are guidance of their own and say what they do; which of the two guides is a question of the level alone.
"""

from torch import Tensor

from becalm.denoiser import Denoiser, wrap
from becalm.guidance import Guidance
from becalm.level import NoiseLevel
from becalm_programs.guidance.descent import violation_descent
from becalm_programs.guidance.rounding import rounding_projection
from becalm_programs.problem.batch import ProblemBatch


def constraint_guidance(
    weight: float, *, objective_weight: float, inner_steps: int, round_below: float, search_steps: int, patience: int
) -> Guidance[ProblemBatch]:
    """Both, by level.

    Args:
        weight: Largest move of a logit in one step on the way; 0 leaves the estimates on the way as they are.
        objective_weight: s, weight of the objective.
        inner_steps: Steps at a level on the way.
        round_below: Time up to which entries are rounded.
        search_steps: Most steps of the search there.
        patience: Of these, how many without anything better after which a feasible sample is left.
    """
    descent = violation_descent(weight, objective_weight=objective_weight, steps=inner_steps)
    rounding = rounding_projection(objective_weight=objective_weight, steps=search_steps, patience=patience)

    def apply(denoise: Denoiser[ProblemBatch]) -> Denoiser[ProblemBatch]:
        above, below = descent(denoise), rounding(denoise)

        def guided(x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
            return (above if float(level.t) > round_below else below)(x, level, cond)

        return wrap(denoise, guided)

    return apply
