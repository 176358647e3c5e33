"""A denoiser returns E[x0 | x], the mean of the clean samples that could have become x: the protocol, a network as one,
and the exact one of a mixture of Gaussians, the oracle of tests and documentation.
"""

from becalm.denoiser.chunks import Tails
from becalm.denoiser.mixture import GaussianMixture
from becalm.denoiser.network import NetworkDenoiser
from becalm.denoiser.protocol import Denoiser, VarianceDenoiser, doubled, wrap
from becalm.prediction import Prediction, clean, pair, target

__all__ = [
    "Denoiser",
    "GaussianMixture",
    "NetworkDenoiser",
    "Prediction",
    "Tails",
    "VarianceDenoiser",
    "clean",
    "doubled",
    "pair",
    "target",
    "wrap",
]
