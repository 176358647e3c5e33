"""Noise schedules: time t in [0, 1] to a noise level, and the paths that samplers walk.

A schedule is a file here, or a package's own (``becalm.plugin.kinds``).
"""

from becalm.plugin.kinds import register
from becalm.schedule.blur import Blur
from becalm.schedule.cosine import CappedCosine, Cosine
from becalm.schedule.discrete import Discrete, Linear
from becalm.schedule.exploding import Karras, VarianceExploding
from becalm.schedule.flow import Flow
from becalm.schedule.kind import NoiseSchedule, Schedule
from becalm.schedule.preserving import VariancePreserving
from becalm.schedule.sigmoid import Sigmoid
from becalm.schedule.spacing import Spacing, levels, levels_at, terminal_snr_is_zero, time_of_ratio
from becalm.schedule.sub_preserving import SubVariancePreserving
from becalm.schedule.table import betas, rescale_zero_terminal_snr

for _kind in (
    Linear,
    Cosine,
    CappedCosine,
    Sigmoid,
    Flow,
    Karras,
    VarianceExploding,
    VariancePreserving,
    SubVariancePreserving,
    Discrete,
    Blur,
):
    register(_kind)

__all__ = [
    "Blur",
    "CappedCosine",
    "Cosine",
    "Discrete",
    "Flow",
    "Karras",
    "Linear",
    "NoiseSchedule",
    "Schedule",
    "Sigmoid",
    "Spacing",
    "SubVariancePreserving",
    "VarianceExploding",
    "VariancePreserving",
    "betas",
    "levels",
    "levels_at",
    "rescale_zero_terminal_snr",
    "terminal_snr_is_zero",
    "time_of_ratio",
]
