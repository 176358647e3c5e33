"""The judge's figures against closed forms and an oracle."""

import numpy as np
import torch
from scipy.linalg import sqrtm

from becalm_images.judge.fidelity import frechet, moments, precision_recall


def _features(count: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return shift + scale * torch.randn(count, 6, generator=generator, dtype=torch.float64)


def test_frechet_of_isotropic_gaussians_is_the_closed_form() -> None:
    eye = torch.eye(4, dtype=torch.float64)
    first, second = (torch.zeros(4).double(), 4 * eye), (torch.ones(4).double(), 9 * eye)
    assert abs(frechet(first, second) - (4 + 4 * (3 - 2) ** 2)) < 1e-9


def test_frechet_equals_scipys_matrix_root() -> None:
    mixing = torch.rand(6, 6, generator=torch.Generator().manual_seed(9)).double()
    first, second = moments(_features(50, 0)), moments(_features(60, 1, shift=0.3, scale=1.4) @ mixing)
    root = np.real(sqrtm((first[1] @ second[1]).numpy())).trace()
    oracle = float((first[0] - second[0]).square().sum() + first[1].trace() + second[1].trace() - 2 * root)
    assert abs(frechet(first, second) - oracle) < 1e-6 * max(1.0, oracle)


def test_frechet_is_symmetric_and_zero_on_itself_even_when_singular() -> None:
    thin = _features(5, 2)  # Fewer members than dimensions: a singular covariance.
    wide = moments(_features(40, 3))
    assert abs(frechet(moments(thin), moments(thin))) < 1e-6
    assert abs(frechet(moments(thin), wide) - frechet(wide, moments(thin))) < 1e-6


def test_precision_and_recall_tell_a_missing_mode_from_junk() -> None:
    real = torch.cat([_features(300, 4), _features(300, 5, shift=30.0)])
    one_mode = _features(600, 6)
    with_junk = torch.cat([real[::2] + 0.01, _features(300, 7, shift=-50.0)])
    precision, recall = precision_recall(real, one_mode)
    assert precision > 0.7
    assert recall < 0.55
    precision, recall = precision_recall(real, with_junk)
    assert 0.4 < precision < 0.6
    assert recall > 0.7


def test_identical_sets_have_precision_and_recall_one() -> None:
    real = _features(100, 8)
    assert precision_recall(real, real) == (1.0, 1.0)
