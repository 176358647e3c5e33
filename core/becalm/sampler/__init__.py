"""Samplers: ways from noise to data along a list of levels."""

from becalm.sampler.ancestral import DDIM, DDPM
from becalm.sampler.dpmpp import DPMpp2M, DPMpp3M, DPMppSDE
from becalm.sampler.extra import Extra
from becalm.sampler.ode import Euler, Heun
from becalm.sampler.step import Noise, Sampler, Step, sample
from becalm.sampler.unipc import UniPC

__all__ = [
    "DDIM",
    "DDPM",
    "DPMpp2M",
    "DPMpp3M",
    "DPMppSDE",
    "Euler",
    "Extra",
    "Heun",
    "Noise",
    "Sampler",
    "Step",
    "UniPC",
    "sample",
]
