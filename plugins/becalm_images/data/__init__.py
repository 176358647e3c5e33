"""Where images come from: idx files, folders of PNGs, MNIST from its public mirrors; what they are in memory.

    images = load("folder", "train")

A reader of another form has its place here, and a line in ``source``.
"""

from becalm_images.data.labelled import Labelled, Split, digest
from becalm_images.data.source import load

__all__ = ["Labelled", "Split", "digest", "load"]
