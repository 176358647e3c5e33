"""A denoiser that knows which values data can have."""

import pytest
import torch

from becalm.errors import UserError
from becalm.guidance import among
from becalm.level import NoiseLevel
from becalm.schedule import Cosine


def near(x: torch.Tensor, level: NoiseLevel, cond: None) -> torch.Tensor:
    return x


def test_an_estimate_near_a_value_becomes_it_at_low_noise_and_at_the_clean_level() -> None:
    values = torch.tensor([[-1.0, -1 + 2 / 255, 0.2 * 5 - 1, 1.0]], dtype=torch.float64)
    values = (((values + 1) * 255 / 2).round() * 2 / 255) - 1
    for level in (Cosine()(torch.tensor(0.0)), NoiseLevel(*torch.tensor([0.001, 1.0, 5e-4], dtype=torch.float64))):
        found = among(256)(near)(values + 1e-3, level, None)
        torch.testing.assert_close(found, values, rtol=0, atol=1e-6)


def test_it_is_the_posterior_mean_where_the_estimate_is_the_noisy_sample_and_every_value_is_as_likely() -> None:
    level = NoiseLevel(*torch.tensor([0.1, 1.0, 0.1], dtype=torch.float64))
    x = torch.linspace(-1, 1, 21, dtype=torch.float64)[:, None]
    value = torch.linspace(-1, 1, 9, dtype=torch.float64)
    wanted = ((-((x - value) ** 2) / 0.1**2 / 2).softmax(1) * value).sum(1, keepdim=True)
    torch.testing.assert_close(among(9)(near)(x, level, None), wanted, rtol=0, atol=1e-12)


def test_one_value_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match=r"^values must be at least 2, got 1$"):
        among(1)
