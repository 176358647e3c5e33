"""Counter-based randomness: every number is a function of (seed, sample, step, purpose) and of nothing else.

So sample i is the same whatever the batch it came in, two loops never disturb each other, and a training checkpoint
holds no random state.
"""

from becalm.noise.numbers import Purpose, bits, normal, uniform
from becalm.noise.order import epochs, permutation
from becalm.noise.philox import philox
from becalm.noise.stream import stream

__all__ = ["Purpose", "bits", "epochs", "normal", "permutation", "philox", "stream", "uniform"]
