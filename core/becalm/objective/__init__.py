"""What a denoiser is trained on: which levels, and a loss over denoisers.

An objective is a file here, or a package's own. It knows no network, no scaling, no (p, q).
The trainer knows no objective.
"""

from becalm.objective.categorical import Categorical
from becalm.objective.consistency import ConsistencyDistillation, ConsistencyTraining
from becalm.objective.cross_entropy import CrossEntropy
from becalm.objective.denoising import Denoising
from becalm.objective.distribution_matching import DistributionMatching
from becalm.objective.draw import draw, losses
from becalm.objective.hybrid import Hybrid
from becalm.objective.kind import Draw, Objective, Others
from becalm.objective.progressive import Progressive
from becalm.objective.score_identity import ScoreIdentity
from becalm.objective.times import Fixed, Importance, LogNormal, Memory, Times, Uniform
from becalm.objective.weighting import Weighting
from becalm.plugin.kinds import register

for _kind in (
    Denoising,
    Hybrid,
    CrossEntropy,
    Categorical,
    Progressive,
    ConsistencyTraining,
    ConsistencyDistillation,
    DistributionMatching,
    ScoreIdentity,
):
    register(_kind)

__all__ = [
    "Categorical",
    "ConsistencyDistillation",
    "ConsistencyTraining",
    "CrossEntropy",
    "Denoising",
    "DistributionMatching",
    "Draw",
    "Fixed",
    "Hybrid",
    "Importance",
    "LogNormal",
    "Memory",
    "Objective",
    "Others",
    "Progressive",
    "ScoreIdentity",
    "Times",
    "Uniform",
    "Weighting",
    "draw",
    "losses",
]
