"""Fitted steps: the best path by brute force, local errors of known order, and times that a checkpoint keeps."""

import math
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from known import seeded, three_gaussians
from toy import model as untrained

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.model import Model, build
from becalm.path import Path as Levels
from becalm.sampler import DDIM, DPMpp2M, DPMpp3M, DPMppSDE, Heun, sample
from becalm.schedule import Cosine, levels, levels_at
from becalm.steps import Walked, choose, fit, fit_steps, local_errors

COUNT = 7


def walked(path: Levels) -> Walked:
    """The exact denoiser's walk along a path, nearly exact by 40 steps of third order between each two levels."""
    denoise, x = three_gaussians(), seeded(16, 4)
    ends = [x]
    for now, to in zip(path, path[1:], strict=False):
        fine = levels_at(Cosine(), torch.linspace(float(now.t), float(to.t), 41).double().tolist()[:-1])
        x = sample(DPMpp3M()(denoise, x, Levels.of([*fine[:-1], to]), None))
        ends.append(x)
    x0 = torch.stack([denoise(x, level, None) for x, level in zip(ends, path[:-1], strict=False)])
    return Walked(path, torch.stack(ends), x0)


def test_the_chosen_path_is_the_best_of_all() -> None:
    generator = torch.Generator().manual_seed(0)
    first, errors = (torch.rand(*(COUNT,) * axes, generator=generator, dtype=torch.float64) for axes in (1, 3))
    first[0] = math.inf
    for h in range(COUNT):
        for i in range(COUNT):
            for j in range(COUNT):
                if not h < i < j:
                    errors[h, i, j] = math.inf

    def cost(path: tuple[int, ...]) -> float:
        triples = zip(path, path[1:], path[2:], strict=False)
        return float(first[path[1]] + sum(errors[triple] for triple in triples))

    for steps in range(1, COUNT):
        every = [(0, *inner, COUNT - 1) for inner in combinations(range(1, COUNT - 1), steps - 1)]
        assert tuple(choose(first, errors, steps)) == min(every, key=cost)
    with pytest.raises(UserError, match="from 1 to 6"):
        choose(first, errors, COUNT)


@pytest.mark.parametrize(("sampler", "order"), [(DDIM(), 1), (DPMpp2M(), 2), (Heun(), 2)], ids=["ddim", "2m", "heun"])
def test_local_errors_fall_with_the_order_of_the_sampler(sampler: Any, order: int) -> None:
    """A step half as long is off by a factor of 2^(order + 1) less."""
    coarse, fine = (
        local_errors(sampler, walked(levels_at(Cosine(), [0.6 - step * number for number in range(4)])))[1]
        for step in (0.08, 0.04)
    )
    ratio = float(coarse[0, 1, 2] / fine[0, 1, 2])
    assert 2 ** (order + 0.6) < ratio < 2 ** (order + 1.4)


def test_the_last_step_is_judged_where_the_walk_ends() -> None:
    walk = walked(levels(Cosine(), 6))
    first, errors = local_errors(DDIM(), walk)
    straight = (walk.x0[3] - walk.x[-1]).square().mean(1).sqrt().mean()
    assert float(errors[0, 3, 6]) == pytest.approx(float(straight), rel=1e-6)
    assert math.isinf(first[0]) and math.isinf(errors[3, 3, 4]) and math.isfinite(errors[2, 3, 4])


def test_a_sampler_that_adds_noise_is_refused() -> None:
    for sampler in (DPMppSDE(), DDIM(eta=1.0)):
        with pytest.raises(UserError, match="samplers without noise"):
            local_errors(sampler, walked(levels(Cosine(), 4)))


def test_fitted_times_are_never_worse_than_the_default_ones_and_here_better() -> None:
    denoise, walk = three_gaussians(), walked(levels(Cosine(), 12))

    def ends(times: tuple[float, ...]) -> torch.Tensor:
        return sample(DPMpp2M()(denoise, walk.x[0], levels_at(Cosine(), times), None))

    found = fit(DPMpp2M(), walk, 4, ends, (1.0, 0.75, 0.5, 0.25))
    assert found.error < 0.8 * found.before
    assert list(found.times) == sorted(found.times, reverse=True) and found.times[0] == 1.0
    # Without time for a walk more, what dynamic programming chose.
    assert fit(DPMpp2M(), walk, 4, ends, (1.0, 0.75, 0.5, 0.25), lambda: False).error <= found.before


def fitted() -> Model[Any]:
    model = untrained()
    request = model.request(count=8, sampler="dpmpp2m")
    better, found = fit_steps(model, request, 3, fine=6)
    assert found.error <= found.before
    return better


def test_a_checkpoint_keeps_its_times_and_what_is_asked_for_goes_before_them(
    tmp_path: Path, installed_toy: Path
) -> None:
    from trainings import fresh

    from becalm.train.resume import describe

    model = fitted()
    config = {**describe(fresh({"width": 32})), "sampling": model.config["sampling"]}
    place = tmp_path / "fitted.safetensors"
    replace(model, config=config).save(place)
    again = build(Checkpoint.read(place), torch.device("cpu"))
    times = tuple(model.config["sampling"]["times"])
    assert len(times) == 3 and again.request().times == times
    assert len(again.prepare(again.request(count=1)).path) == 4
    for fields in ({"steps": 5}, {"spacing": "karras"}, {"sampler": "ddim"}):
        assert again.request(**fields).times is None
    assert again.request(times=(1.0, 0.1)).times == (1.0, 0.1)


@pytest.mark.parametrize(
    ("sampling", "sentence"),
    [
        ({"times": [0.1, 0.5]}, "must descend strictly"),
        ({"sampler": "nowhere"}, "nowhere"),
        ({"count": 10**9}, "may set guidance, sampler, spacing, steps, temperature, times, got 'count'"),
        ([1], "a table sampling"),
    ],
)
def test_a_strangers_sampling_is_refused_in_a_sentence(sampling: Any, sentence: str, installed_toy: Path) -> None:
    from trainings import fresh

    from becalm.train.resume import export

    stored = export(fresh())
    with pytest.raises(UserError, match=sentence):
        build(Checkpoint(stored.tensors, {**stored.config, "sampling": sampling}), torch.device("cpu"))
