"""Where images come from: idx files, folders of image files, MNIST from its public mirrors; what they are in memory.

    images = load("folder", "train")

A reader of another form has its place here, and a line in ``source``.
"""

from becalm_images.data.image import Reading
from becalm_images.data.labelled import Labelled, Split, digest
from becalm_images.data.source import Data, load, load_all

__all__ = ["Data", "Labelled", "Reading", "Split", "digest", "load", "load_all"]
