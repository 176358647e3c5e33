"""Samplers: ways from noise to data along a path of levels. A sampler is a step; ``walk`` is the only loop.

A new one is a file here, or a package's own (``becalm.plugin.kinds``). None imports torch before it walks.
"""

from becalm.plugin.kinds import register
from becalm.sampler.ddim import DDIM
from becalm.sampler.ddpm import DDPM
from becalm.sampler.dpmpp2m import DPMpp2M
from becalm.sampler.dpmpp3m import DPMpp3M
from becalm.sampler.dpmppsde import DPMppSDE
from becalm.sampler.euler import Euler
from becalm.sampler.extra import Extra
from becalm.sampler.few.consistency import Consistency
from becalm.sampler.heun import Heun
from becalm.sampler.known import Known, Moved, Noise, Step, last, sample
from becalm.sampler.particles import Particles, Population
from becalm.sampler.step import Sampler
from becalm.sampler.stochastic.langevin import Langevin
from becalm.sampler.stochastic.predictor_corrector import PredictorCorrector
from becalm.sampler.stochastic.reverse_sde import ReverseSDE
from becalm.sampler.unipc import UniPC

for _kind in (DDPM, DDIM, Euler, Heun, DPMpp2M, DPMpp3M, DPMppSDE, UniPC, Consistency):
    register(_kind)
for _other in (ReverseSDE, Langevin, PredictorCorrector):
    register(_other)

__all__ = [
    "DDIM",
    "DDPM",
    "Consistency",
    "DPMpp2M",
    "DPMpp3M",
    "DPMppSDE",
    "Euler",
    "Extra",
    "Heun",
    "Known",
    "Langevin",
    "Moved",
    "Noise",
    "Particles",
    "Population",
    "PredictorCorrector",
    "ReverseSDE",
    "Sampler",
    "Step",
    "UniPC",
    "last",
    "sample",
]
