"""What stands beside a figure is the same figure of as many real images, or nothing."""

import pytest
import torch
from torch import Tensor

from becalm_images.judge.fidelity import frechet, moments, precision_recall
from becalm_images.judge.figures import FEWEST, Features, Reference, figures

CLASSES, SIZE = 2, 6


def _features(count: int, seed: int) -> Tensor:
    return torch.randn(count, SIZE, generator=torch.Generator().manual_seed(seed))


def _seen(count: int, seed: int, labels: Tensor | None = None) -> Features:
    labels = torch.arange(count) % CLASSES if labels is None else labels
    return Features(_features(count, seed), labels, torch.arange(count) % 10 != 0)


@pytest.fixture(scope="module")
def reference() -> Reference:
    train = _features(400, 0)
    mean, cov = moments(train)
    each = [moments(train[number::CLASSES]) for number in range(CLASSES)]
    means, covs = (torch.stack(parts) for parts in zip(*each, strict=True))
    return Reference(mean, cov, means, covs, train)


def test_floors_are_the_mean_figures_of_as_many_real_images(reference: Reference) -> None:
    real = _seen(350, 1)
    found = figures(_seen(150, 2), real, reference)
    draws = real.values[:150], real.values[150:300]
    distances = [frechet((reference.mean, reference.cov), moments(draw)) for draw in draws]
    recalls = [precision_recall(reference.features, draw)[1] for draw in draws]
    assert found["fid_floor"] == pytest.approx(sum(distances) / 2)
    assert found["recall_floor"] == pytest.approx(sum(recalls) / 2)
    assert found["accuracy_floor"] == 0.9


def test_real_images_judged_as_samples_are_their_own_floor(reference: Reference) -> None:
    real = _seen(300, 1)
    found = figures(real, real, reference)
    # Their intervals differ: labels that were asked for are no chance.
    plain = {name: value for name, value in found.items() if not name.endswith(("_low", "_high"))}
    floors = {name.removesuffix("_floor"): value for name, value in plain.items() if name.endswith("_floor")}
    assert floors == {name: value for name, value in plain.items() if not name.endswith("_floor")}
    assert {"fid", "precision", "recall", "accuracy", "fid_0", "fid_1"} <= floors.keys()


@pytest.mark.parametrize("name", ["fid", "precision", "recall", "accuracy", "fid_1"])
def test_a_figure_lies_within_its_interval(name: str, reference: Reference) -> None:
    found = figures(_seen(300, 2), _seen(300, 1), reference)
    for kind in (name, f"{name}_floor"):
        assert 0 <= found[f"{kind}_low"] <= found[kind] <= found[f"{kind}_high"]


def test_below_a_hundred_samples_there_is_accuracy_alone(reference: Reference) -> None:
    found = figures(_seen(FEWEST - 1, 2), _seen(300, 1), reference)
    assert {name.partition("_")[0] for name in found} == {"accuracy"}


def test_more_samples_than_real_images_have_no_floor(reference: Reference) -> None:
    found = figures(_seen(301, 2), _seen(300, 1), reference)
    assert {"fid", "recall", "accuracy"} <= found.keys()
    assert not [name for name in found if name in ("fid_floor", "recall_floor", "accuracy_floor")]


def test_a_class_is_measured_by_as_many_samples_as_it_has_real_images(reference: Reference) -> None:
    seen, real = _seen(400, 2), _seen(260, 1)
    found = figures(seen, real, reference)
    assert found["fid_1"] == pytest.approx(frechet(reference.of(1), moments(seen.values[1::2][:130])))
    assert found["fid_1_floor"] == pytest.approx(frechet(reference.of(1), moments(real.values[1::2])))


def test_samples_of_one_class_are_not_measured_against_all(reference: Reference) -> None:
    found = figures(_seen(200, 2, torch.ones(200).long()), _seen(500, 1), reference)
    assert "fid" not in found
    assert {"accuracy", "accuracy_floor", "fid_1", "fid_1_floor"} <= found.keys()


def test_samples_of_no_class_have_no_accuracy(reference: Reference) -> None:
    found = figures(_seen(200, 2, torch.full((200,), CLASSES)), _seen(500, 1), reference)
    assert {"fid", "recall", "fid_floor"} <= found.keys()
    assert "accuracy" not in found
