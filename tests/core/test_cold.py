"""Cold diffusion: degrading in stages is degrading at once, and the bridge undoes it exactly where x0 is known."""

import itertools

import pytest
import torch
from torch import Tensor

from becalm.level import NoiseLevel
from becalm.process import ColdBlur, ColdMask, ColdPixels, Process
from becalm.sampler import DDIM, DDPM, sample
from becalm.schedule import Cosine, Flow, levels

PROCESSES = [ColdBlur(), ColdPixels(), ColdMask()]
each = pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.kind)


def none(like: Tensor) -> Tensor:
    raise AssertionError("cold diffusion draws nothing")


@pytest.fixture
def images() -> Tensor:
    return torch.randn(3, 1, 12, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@each
def test_degrading_in_stages_is_degrading_at_once(process: Process, images: Tensor) -> None:
    path = levels(Flow(), 7).reversed()
    x = images
    for now, to in itertools.pairwise(path):
        x = process.up(x, now, to, none)
        torch.testing.assert_close(x, process.corrupt(images, to, none))
    assert float(x.std()) < 0.9 * float(images.std())


@each
def test_the_bridge_of_the_clean_image_is_the_degradation_of_each_level(process: Process, images: Tensor) -> None:
    path = levels(Cosine(), 9)
    x = process.corrupt(images, path[0], none)
    for now, to in itertools.pairwise(path):
        x = process.bridge(x, images, now, to, none)
        torch.testing.assert_close(x, process.corrupt(images, to, none))
    torch.testing.assert_close(x, images)


@each
def test_a_level_for_each_image_is_the_level_of_each(process: Process, images: Tensor) -> None:
    level = Flow()(torch.tensor([0.2, 0.55, 0.9], dtype=torch.float64))
    together = process.corrupt(images, level.spread(images), none)
    for number in range(3):
        one = NoiseLevel(*(value[number] for value in (level.t, level.alpha, level.sigma)))
        torch.testing.assert_close(together[number], process.corrupt(images[number], one, none))


@each
def test_sampling_keeps_what_is_known_where_the_estimate_is_wrong_by_a_constant(
    process: Process, images: Tensor
) -> None:
    # Algorithm 2 is exact to first order: an error that no degradation changes stays out of x.
    def biased(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        return images + (0 if isinstance(process, ColdMask) else 0.7)

    path = levels(Flow(), 6)
    x = process.corrupt(images, path[0], none)
    made = sample(DDPM()(biased, x, path, None, none, process))
    torch.testing.assert_close(made, images)


def test_samplers_of_differential_equations_refuse_it() -> None:
    with pytest.raises(ValueError, match=r"^sampler ddim needs a Gaussian process, got cold_blur: use ddpm$"):
        next(DDIM()(lambda x, level, cond: x, torch.ones(1, 4, 4), levels(Flow(), 3), None, process=ColdBlur()))
