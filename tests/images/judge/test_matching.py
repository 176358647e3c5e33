"""The gradient's error is 0 where it is the class direction, and 1 where there is none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import FIXTURE
from torch import Tensor

from becalm import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.guidance import Descend
from becalm.level import NoiseLevel
from becalm.schedule import Cosine
from becalm_images.data import load
from becalm_images.judge import fit
from becalm_images.judge.classifier import train_classifier
from becalm_images.judge.matching import class_direction, mismatch
from becalm_images.options import ClassifierOptions
from becalm_images.verbs.train import classifier

LABELS, NULL = torch.tensor([0, 1, 2]), torch.full((3,), 3)


def _noisy() -> tuple[Tensor, NoiseLevel, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, direction = (torch.randn(3, 1, 4, 4, generator=generator) for _ in range(2))
    return x.requires_grad_(), Cosine()(torch.tensor([0.05, 0.5, 0.999])).spread(x), direction


def test_a_gradient_that_moves_as_the_class_does_has_no_error() -> None:
    x, level, direction = _noisy()
    exact = -(level.alpha / level.sigma**2).float() * direction * x
    assert float(mismatch(exact.sum((1, 2, 3)), x, level, direction).detach()) == pytest.approx(0.0, abs=1e-9)
    assert float(mismatch((0.0 * x).sum((1, 2, 3)), x, level, direction).detach()) == 1.0


def test_the_move_is_the_one_that_classifier_guidance_makes() -> None:
    x, level, direction = _noisy()

    def energy(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        return (torch.cos(x) * direction).sum((1, 2, 3))

    def zero(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        return torch.zeros_like(x)

    move = Descend(energy, 1.0)(zero)(x.detach(), level, LABELS)
    assert float(mismatch(energy(x, level, LABELS), x, level, move).detach()) == pytest.approx(0.0, abs=1e-9)


def test_the_class_direction_is_the_difference_of_two_estimates_within_black_and_white() -> None:
    x, level, _ = _noisy()

    def denoise(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        return cond[:, None, None, None].float().expand_as(x) - 0.5

    direction = class_direction(denoise, x.detach(), level, LABELS, NULL)
    assert direction[:, 0, 0, 0].tolist() == [-1.5, -0.5, 0.0]
    assert not direction.requires_grad


def test_a_classifier_is_trained_to_match_a_model() -> None:
    seen: list[int] = []

    def denoise(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        seen.extend(cond.tolist())
        return x * (cond[:, None, None, None] + 1) / 12

    train, test = load(FIXTURE, "train"), load(FIXTURE, "test")
    *_, made = train_classifier(train, test, name="digits", epochs=1, denoise=denoise)
    assert isinstance(made, Checkpoint)
    assert made.config["matched"] == 32
    assert seen.count(10) == len(seen) // 2 > 0


def test_a_model_of_other_images_is_no_match(tmp_path: Path) -> None:
    out = str(tmp_path / "classifier.safetensors")
    with pytest.raises(
        UserError, match=r"^--match mnist is of MNIST \(71d3be42\), these images are others \([0-9a-f]{8}\)$"
    ):
        list(classifier(ClassifierOptions(data=FIXTURE, match="mnist", out=out)))
    with pytest.raises(UserError, match=r"^--match pusht is a model of policies, not of images$"):
        list(classifier(ClassifierOptions(data=FIXTURE, match="pusht", out=out)))


def test_steps_that_are_recorded_train_the_same_classifier(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    record, seen = stand_in
    whole = load(FIXTURE, "train")
    train = test = replace(whole, images=whole.images[:16], labels=whole.labels[:16])

    def denoise(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        return x * (cond[:, None, None, None] + 1) / 12

    def trained() -> dict[str, Tensor]:
        *_, made = train_classifier(train, test, name="digits", epochs=4, batch=8, matched=4, denoise=denoise)
        assert isinstance(made, Checkpoint)
        return dict(made.tensors)

    plain = trained()
    monkeypatch.setattr(fit, "recording", lambda device: record)
    recorded = trained()
    assert seen[0] == "recorded"
    assert "replayed" in seen
    for name, tensor in plain.items():
        torch.testing.assert_close(recorded[name], tensor, rtol=1e-4, atol=1e-5, msg=name)
