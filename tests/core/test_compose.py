"""Any two guidances compose, in either order, on images, chunks of actions and ragged rows: per sample, always."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from becalm.denoiser import NetworkDenoiser
from becalm.guidance import (
    AdaptiveProjected,
    ClassifierFree,
    Combine,
    Descend,
    Guidance,
    Measurement,
    MomentMatching,
    PseudoInverse,
    ZeroStar,
    autoguidance,
    clamp,
    compose,
    dynamic_threshold,
    hold,
    interval,
    project,
    rescale,
    total,
)
from becalm.level import NoiseLevel
from becalm.sampler import DDIM, sample
from becalm.schedule import Cosine, levels


@dataclass(frozen=True)
class Ragged:
    """The condition of samples of 3, 1, 4, ... rows: a number for each, and who owns which row."""

    sizes: tuple[int, ...]
    number: Tensor

    @property
    def owner(self) -> Tensor:
        return torch.repeat_interleave(torch.arange(len(self.sizes)), torch.tensor(self.sizes))

    def take(self, index: Tensor) -> "Ragged":
        return Ragged(tuple(self.sizes[place] for place in index.tolist()), self.number[index])

    @classmethod
    def join(cls, conds: Sequence["Ragged"]) -> "Ragged":
        sizes = tuple(size for cond in conds for size in cond.sizes)
        return cls(sizes, torch.cat([cond.number for cond in conds]))


def seeded(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


NUMBERS = torch.tensor([0.0, 1.0, 2.0, 0.5], dtype=torch.float64)
CASES: dict[str, tuple[Tensor, Any]] = {
    "image": (seeded(4, 1, 3, 3), NUMBERS),
    "actions": (seeded(4, 5, 2), NUMBERS),
    "ragged": (seeded(13), Ragged((3, 2, 4, 4), NUMBERS)),
    "ragged rows": (seeded(13, 2), Ragged((3, 2, 4, 4), NUMBERS)),
}


def number_of(x: Tensor, cond: Any) -> Tensor:
    """Each row's condition, broadcasting against x."""
    rows = cond.number[cond.owner] if isinstance(cond, Ragged) else cond
    return rows.reshape(-1, *(1 for _ in x.shape[1:]))


def denoise(x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
    """A smooth estimate that mixes no samples."""
    return torch.tanh(level.alpha.to(x) * x + 0.3 * number_of(x, cond)) * 1.5


def drop(cond: Any) -> Any:
    return Ragged(cond.sizes, torch.zeros_like(cond.number)) if isinstance(cond, Ragged) else torch.zeros_like(cond)


def bowl(centre: float) -> Callable[[Tensor, NoiseLevel, Any], Tensor]:
    def energy(x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
        rows = ((x - centre) ** 2).reshape(len(x), -1).sum(1)
        if not isinstance(cond, Ragged):
            return rows
        return rows.new_zeros(len(cond.sizes)).index_add(0, cond.owner, rows)

    return energy


def total_of(x0: Tensor) -> Tensor:
    """A reading of each sample, (B, 1): the sum of its entries. Two conditions at once are twice the samples."""
    rows = x0.reshape(len(x0), -1).sum(1)
    if len(x0) % 13:
        return rows[:, None]
    owner = torch.cat([CASES["ragged"][1].owner + 4 * copy for copy in range(len(x0) // 13)])
    return rows.new_zeros(4 * (len(x0) // 13)).index_add(0, owner, rows)[:, None]


def guides(x: Tensor) -> dict[str, Guidance[Any]]:
    mask = torch.arange(x.numel()).reshape(x.shape) % 3 == 0
    return {
        "classifier-free": ClassifierFree(2.0, drop),
        "a scale per sample": ClassifierFree(torch.tensor([0.0, 1.0, 2.0, 3.0]), drop),
        "noisy": Descend(bowl(0.5), 0.1, "noisy"),
        "clean": Descend(bowl(0.5), 0.1, "clean"),
        "through": Descend(bowl(0.5), 0.1, "through"),
        "clamp": clamp(-0.9, 0.9),
        "threshold": dynamic_threshold(0.9, 0.5),
        "hold": hold(torch.full_like(x, 0.2), mask),
        "project": project(lambda x0, level, cond: 0.9 * x0),
        "rescale": rescale(0.7, ClassifierFree(3.0, drop)),
        "adaptive projected": AdaptiveProjected(3.0, drop, 0.2, 0.5),
        "zero star": ZeroStar(3.0, drop),
        "combine": Combine([(1.0, lambda cond: cond), (torch.tensor([0.0, 1.0, -0.5, 2.0]), drop)], drop),
        "autoguidance": autoguidance(lambda x, level, cond: 0.5 * x, 2.0),
        "moment matching": MomentMatching(Measurement(total_of, torch.tensor([0.2]), 0.5)),
        "pseudo-inverse": PseudoInverse(Measurement(total_of, torch.tensor([[0.2], [0.1], [0.0], [0.3]]), 0.5)),
        "interval": interval(Descend(bowl(0.5), 0.1, "through"), 0.3, 0.7),
    }


NAMES = list(guides(torch.zeros(1)))
LEVEL = Cosine()(torch.tensor(0.5, dtype=torch.float64))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("first", NAMES)
def test_every_ordered_pair_runs_and_no_sample_knows_of_another(first: str, case: str) -> None:
    x, cond = CASES[case]
    owner = cond.owner if isinstance(cond, Ragged) else torch.arange(4)
    other = torch.where((owner == 3).reshape(-1, *(1 for _ in x.shape[1:])), x + 0.7, x)
    every = guides(x)
    for second, last in every.items():
        guided = compose(every[first], last)(denoise)
        whole = guided(x, LEVEL, cond)
        assert whole.shape == x.shape and bool(torch.isfinite(whole).all()) and not whole.requires_grad, second
        # A change of the last sample's rows leaves the others as they were.
        found = guided(other, LEVEL, cond)
        torch.testing.assert_close(
            found[owner < 3], whole[owner < 3], rtol=1e-12, atol=1e-12, msg=lambda said, name=second: f"{name}: {said}"
        )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_a_descent_through_a_guided_denoiser_has_the_slope_of_finite_differences(name: str, case: str) -> None:
    x, cond = CASES[case]
    if name == "threshold":
        return  # A quantile's own slope jumps.
    inner, energy = guides(x)[name](denoise), bowl(-0.3)
    scale = 1e-6  # So small that the curvature counts for nothing.
    found = (inner(x, LEVEL, cond) - Descend(energy, scale, "through")(inner)(x, LEVEL, cond)) / scale
    direction, step = seeded(*x.shape, seed=7), 1e-4
    ahead, behind = (energy(inner(x + sign * step * direction, LEVEL, cond), LEVEL, cond).sum() for sign in (1, -1))
    slope = (ahead - behind) / (2 * step) * float(LEVEL.sigma**2 / LEVEL.alpha)
    torch.testing.assert_close((found * direction).sum(), slope, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_two_descents_through_are_the_descent_of_the_sum(case: str) -> None:
    x, cond = CASES[case]
    one = Descend(total((1.0, bowl(1.0)), (2.0, bowl(-0.5))), 1e-6, "through")(denoise)(x, LEVEL, cond)
    parts = (Descend(bowl(1.0), 1e-6, "through"), Descend(lambda *a: 2 * bowl(-0.5)(*a), 1e-6, "through"))
    plain = denoise(x, LEVEL, cond)
    for pair in (parts, parts[::-1]):
        both = compose(*pair)(denoise)(x, LEVEL, cond)
        torch.testing.assert_close((both - plain) / 1e-6, (one - plain) / 1e-6, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_a_threshold_last_bounds_and_an_interval_is_plain_outside(name: str, case: str) -> None:
    x, cond = CASES[case]
    guide = guides(x)[name]
    assert float(compose(guide, clamp(-0.4, 0.4))(denoise)(x, LEVEL, cond).abs().max()) <= 0.4
    assert float(compose(guide, dynamic_threshold(1.0, 0.4))(denoise)(x, LEVEL, cond).abs().max()) <= 0.4 + 1e-12
    outside = interval(guide, 0.6, 0.9)(denoise)(x, LEVEL, cond)
    assert torch.equal(outside, denoise(x, LEVEL, cond))


@pytest.mark.parametrize("case", CASES)
def test_thresholds_and_rescaling_go_by_sample(case: str) -> None:
    x, cond = CASES[case]
    owner = cond.owner if isinstance(cond, Ragged) else torch.arange(4)
    found = dynamic_threshold(0.9, 0.5)(lambda x, level, cond: 3 * x)(x, LEVEL, cond)
    spread = rescale(1.0, ClassifierFree(3.0, drop))(denoise)(x, LEVEL, cond)
    plain = denoise(x, LEVEL, cond)
    for number in range(4):
        mine = 3 * x[owner == number]
        bound = max(float(torch.quantile(mine.abs().flatten().float(), 0.9)), 0.5)
        torch.testing.assert_close(
            found[owner == number], mine.clamp(-bound, bound) * 0.5 / bound, rtol=1e-5, atol=1e-6
        )
        if mine.numel() > 1:
            torch.testing.assert_close(spread[owner == number].std(), plain[owner == number].std(), rtol=1e-9, atol=0)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("chunk", [1, 3, 4, 16])
def test_chunks_of_a_network_are_chunks_of_samples(chunk: int, case: str) -> None:
    x, cond = CASES[case]
    seen: list[int] = []

    def network(x: Tensor, level: NoiseLevel, cond: Any) -> Tensor:
        seen.append(len(cond.sizes) if isinstance(cond, Ragged) else len(cond))
        return denoise(x, level, cond)

    whole = NetworkDenoiser[Any](network, "x0")(x, LEVEL, cond)  # type: ignore[arg-type]
    seen.clear()
    torch.testing.assert_close(NetworkDenoiser[Any](network, "x0", chunk=chunk)(x, LEVEL, cond), whole)  # type: ignore[arg-type]
    # A short last chunk is seen padded, and as it is, to find out whether that keeps the bits.
    tail = 4 % chunk
    assert chunk in seen
    assert set(seen) <= ({chunk} if isinstance(cond, Ragged) else {chunk, tail, tail + tail % 2})


@pytest.mark.parametrize("case", CASES)
def test_everything_at_once_samples(case: str) -> None:
    x, cond = CASES[case]
    guided = compose(*guides(x).values())(denoise)
    made = sample(DDIM()(guided, x, levels(Cosine(), 6), cond))
    assert bool(torch.isfinite(made).all())


@pytest.mark.parametrize("where", ["noisy", "clean", "through"])
def test_an_energy_that_counts_is_refused_in_a_sentence(where: Any) -> None:
    x, cond = CASES["image"]
    counts = Descend(lambda x0, level, cond: (x0 > 0).double().flatten(1).sum(1), 1.0, where)
    with pytest.raises(ValueError, match=r"^an energy must have a gradient: use smooth operations of x, [^.]+$"):
        counts(denoise)(x, LEVEL, cond)


@pytest.mark.parametrize("where", ["noisy", "clean", "through"])
def test_half_precision_holds_levels_whose_variance_it_cannot(where: Any) -> None:
    level = NoiseLevel(torch.tensor(1.0).double(), torch.tensor(1.0).double(), torch.tensor(348.0).double())
    x = (300 * seeded(4, 2)).half()
    guided = Descend(lambda x, level, cond: x.float().square().sum(1), 1e-3, where)(lambda x, level, cond: x / 1000)
    for seen in (level, level.to(x)):
        found = guided(x, seen, None)
        assert found.dtype == torch.float16 and bool(torch.isfinite(found).all())
