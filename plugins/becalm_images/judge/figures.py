"""The figures of a set of images as a judge sees them, each with its interval, and the floors of real images.

A Frechet distance falls with the number of samples, and recall by nearest neighbours is high where they are few. So a
floor is the same figure of as many real test images; where there are not as many there is no floor, and below
``FEWEST`` samples there is no figure but accuracy.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from becalm_images.judge.fidelity import distances, frechet, inside, moments, radii
from becalm_images.judge.interval import Estimate, jackknife, mean, share

FEWEST = 100
"""Samples from which on there are FID, precision and recall: more than the judge has features."""
_DRAWS = 10
"""Sets of real images that a floor is the mean of, at most."""


@dataclass(frozen=True, eq=False)
class Features:
    """The features of images, and what the judge makes of their labels.

    Attributes:
        values: (N, 84).
        labels: (N,), what was asked for or what they are.
        right: (N,) bool, whether the judge says so too.
    """

    values: Tensor
    labels: Tensor
    right: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Tensor | slice) -> "Features":
        """Some of them."""
        return Features(self.values[index], self.labels[index], self.right[index])

    def draws(self, count: int) -> Iterator["Features"]:
        """Sets of ``count``, no image in two of them."""
        for number in range(min(_DRAWS, len(self) // count)):
            yield self.take(slice(number * count, (number + 1) * count))


@dataclass(frozen=True, eq=False)
class Reference:
    """What images are compared with: statistics of the judge's training images.

    Attributes:
        mean: (84,), cov: (84, 84), of all of them.
        means: (K, 84), covs: (K, 84, 84), of each class.
        features: (3000, 84), of the first of them.
    """

    mean: Tensor
    cov: Tensor
    means: Tensor
    covs: Tensor
    features: Tensor

    @cached_property
    def radii(self) -> Tensor:
        """Of the balls about ``features``."""
        return radii(distances(self.features, self.features))

    def of(self, number: int) -> tuple[Tensor, Tensor]:
        """Mean and covariance of a class."""
        return self.means[number].double(), self.covs[number].double()


Measure = Callable[[Reference, Features, Tensor], Mapping[str, Estimate]]
"""Figures of images in these strata, (N,)."""


def figures(samples: Features, real: Features, reference: Reference) -> dict[str, float]:
    """Figures by name, NAME_low and NAME_high beside them, and the same of real images as NAME_floor and so on.

    ``fid``, ``precision``, ``recall``, ``accuracy``, and ``fid_3`` for class 3: that one of at most as many samples as
    there are real images of the class. Samples of some of the classes have accuracy and their classes' distances only.

    Args:
        samples: Samples; a label that is no class asks for none in particular, and has no accuracy.
    """
    known = samples.labels < len(reference.means)
    asked = samples.labels[known].unique().tolist()
    found: dict[str, float] = {}
    if len(asked) == len(reference.means) or not bool(known.all()):
        found |= _beside(_fidelity, samples, real, reference)
    if asked:
        found |= _beside(_accuracy, samples.take(known), _of_classes(real, *asked), reference)
    for number in asked:
        mine, theirs = samples.take(samples.labels == number), _of_classes(real, number)
        shown = _beside(_class, mine.take(slice(len(theirs) or None)), theirs, reference)
        found |= {name.replace("fid", f"fid_{number}", 1): value for name, value in shown.items()}
    return found


def _beside(measure: Measure, samples: Features, real: Features, reference: Reference) -> dict[str, float]:
    """The figures of samples, and the mean ones of sets of as many real images."""
    # Samples have the labels that were asked for; real images have theirs by chance.
    mine = measure(reference, samples, samples.labels)
    floors = _floors(measure, real, reference, len(samples)) if mine else {}
    found: dict[str, float] = {}
    for name, estimate in mine.items():
        found |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        if name in floors:
            floor = floors[name]
            found |= {f"{name}_floor": floor.value, f"{name}_floor_low": floor.low, f"{name}_floor_high": floor.high}
    return found


# Real images do not change, and a training asks for the same number of them again and again.
@lru_cache(maxsize=64)
def _floors(measure: Measure, real: Features, reference: Reference, count: int) -> Mapping[str, Estimate]:
    draws = [measure(reference, draw, torch.zeros_like(draw.labels)) for draw in real.draws(count)]
    return {name: mean([draw[name] for draw in draws]) for name in (draws[0] if draws else {})}


@lru_cache(maxsize=64)
def _of_classes(real: Features, *numbers: int) -> Features:
    return real.take(torch.isin(real.labels, torch.tensor(numbers)))


def _accuracy(reference: Reference, samples: Features, strata: Tensor) -> dict[str, Estimate]:
    return {"accuracy": share(samples.right)}


def _fidelity(reference: Reference, samples: Features, strata: Tensor) -> dict[str, Estimate]:
    """Distance of all; precision and recall of as many as the reference has, at most."""
    if len(samples) < FEWEST:
        return {}
    few = samples.values[: len(reference.features)]
    between, within = distances(few, reference.features), distances(few, few)

    def recall(index: Tensor) -> float:
        # By columns, as the distances lie in memory.
        return float(between[index].le(radii(within[index][:, index])[:, None]).any(0).double().mean())

    return {
        "fid": _distance((reference.mean, reference.cov), samples, strata),
        "precision": share(inside(between, reference.radii)),
        "recall": jackknife(recall, strata[: len(few)], most=1.0),
    }


def _class(reference: Reference, samples: Features, strata: Tensor) -> dict[str, Estimate]:
    """Distance of samples of one class."""
    if len(samples) < FEWEST:
        return {}
    center = reference.of(int(samples.labels[0]))
    # A class of one training image has no covariance.
    return {"fid": _distance(center, samples, strata)} if bool(center[1].isfinite().all()) else {}


def _distance(reference: tuple[Tensor, Tensor], samples: Features, strata: Tensor) -> Estimate:
    return jackknife(lambda index: frechet(reference, moments(samples.values[index])), strata)
