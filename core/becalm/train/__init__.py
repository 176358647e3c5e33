"""Training: a generator of steps, its settings, its optimisers, and the state on disk from which it goes on to the bit.

What is learnt is an objective's matter (``becalm.objective``), on which data a domain's.
"""

from becalm.train.loop import begin, train
from becalm.train.settings import Training
from becalm.train.state import TrainState, TrainStep

__all__ = ["TrainState", "TrainStep", "Training", "begin", "train"]
