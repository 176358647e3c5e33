"""A trained model in hand: three lines from a name to samples.

model = becalm.load("mnist")
digits = model.sample(label=[7], count=16)
for step in model.steps(count=4): ...
"""

from becalm.model.load import build, find, load, load_part, shared
from becalm.model.model import Model
from becalm.model.run import Drawing, Drawn, Run, path_for
from becalm.model.samples import Samples

__all__ = ["Drawing", "Drawn", "Model", "Run", "Samples", "build", "find", "load", "load_part", "path_for", "shared"]
