"""Guidance is Denoiser -> Denoiser, and nothing else: so each works with every sampler, and any two compose.

With E an energy (low is good) and s a scale, the guided score is  score(x) - s grad E.  In terms of the estimate,
x0 = (x + sigma^2 score) / alpha, that is  x0 - s (sigma^2 / alpha) grad_x E.

Scales follow one convention: 0 is no guidance by an energy; for classifier-free guidance 0 is unconditional, 1
conditional, above 1 sharper (papers that write w mean scale = 1 + w).
"""

from becalm.guidance.classifier_free import ClassifierFree
from becalm.guidance.descend import Descend, gradient
from becalm.guidance.hold import hold
from becalm.guidance.project import project
from becalm.guidance.protocol import Energy, Guidance, Scale, at, compose, interval, total
from becalm.guidance.rescale import rescale
from becalm.guidance.threshold import clamp, dynamic_threshold

__all__ = [
    "ClassifierFree",
    "Descend",
    "Energy",
    "Guidance",
    "Scale",
    "at",
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
