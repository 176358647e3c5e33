"""From a model and a program to solutions: the one way to draw them, what is done to them by tier, and which bundled
network fits. Every verb, the evaluation and the benchmarks sample through here.
"""

from becalm_programs.sampling.draw import draw, sample
from becalm_programs.sampling.outcome import Mark, Outcome

__all__ = ["Mark", "Outcome", "draw", "sample"]
