"""Guidance is Denoiser -> Denoiser, and nothing else: so each works with every sampler, and any two compose.

With E an energy (low is good) and s a scale, the guided score is  score(x) - s grad E.  In terms of the estimate,
x0 = (x + sigma^2 score) / alpha, that is  x0 - s (sigma^2 / alpha) grad_x E.

Scales follow one convention: 0 is no guidance by an energy; for classifier-free guidance 0 is unconditional, 1
conditional, above 1 sharper (papers that write w mean scale = 1 + w).
"""

from becalm.guidance.adaptive_projected import AdaptiveProjected
from becalm.guidance.autoguidance import autoguidance
from becalm.guidance.classifier_free import ClassifierFree
from becalm.guidance.combine import Combine
from becalm.guidance.descend import Descend, gradient
from becalm.guidance.hold import hold
from becalm.guidance.look_ahead import LookAhead
from becalm.guidance.measured.measurement import Measurement
from becalm.guidance.measured.moment_matching import MomentMatching
from becalm.guidance.measured.pseudo_inverse import PseudoInverse
from becalm.guidance.project import project
from becalm.guidance.protocol import Energy, Guidance, Scale, at, compose, interval, total
from becalm.guidance.rescale import rescale
from becalm.guidance.threshold import clamp, dynamic_threshold
from becalm.guidance.twist import Twist, Twisted
from becalm.guidance.values import among
from becalm.guidance.zero_star import ZeroStar

__all__ = [
    "AdaptiveProjected",
    "ClassifierFree",
    "Combine",
    "Descend",
    "Energy",
    "Guidance",
    "LookAhead",
    "Measurement",
    "MomentMatching",
    "PseudoInverse",
    "Scale",
    "Twist",
    "Twisted",
    "ZeroStar",
    "among",
    "at",
    "autoguidance",
    "clamp",
    "compose",
    "dynamic_threshold",
    "gradient",
    "hold",
    "interval",
    "project",
    "rescale",
    "total",
]
