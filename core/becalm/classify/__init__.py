"""A denoiser as a classifier: the condition under which it denoises a sample best.

What may be put here: ways to tell which of several conditions a sample is of, without training anything.
"""

from becalm.classify.contest import Classified, Contest, classify

__all__ = ["Classified", "Contest", "classify"]
