"""Small networks that look at images: the judge, whose features tell how close samples are to data, and the classifier.

What measures samples has its place here, what is trained for that, and what a model makes of test images; none of it
knows the domain.
"""

from becalm_images.judge.judge import Judge, load_judge, train_judge

__all__ = ["Judge", "load_judge", "train_judge"]
