"""The ODE carries samples to noise and back the nearer the more steps it takes, each by itself; arcs keep lengths."""

import pytest
import torch
from known import three_gaussians

from becalm.encoding import between, decode, encode
from becalm.schedule import Cosine, levels

MIXTURE = three_gaussians()


def test_an_encoding_decodes_to_its_sample_as_steps_grow_and_from_any_level() -> None:
    x0 = MIXTURE.draw(10, torch.Generator().manual_seed(0)).double()
    off = []
    for steps in (20, 40, 80):
        path = levels(Cosine(), steps, "log_snr")
        off.append(float((decode(MIXTURE, encode(MIXTURE, x0, path, None), path, None) - x0).abs().mean()))
    assert off[-1] < 0.02
    assert all(later < 0.6 * earlier for earlier, later in zip(off, off[1:], strict=False))
    part = levels(Cosine(), 100)[30:]
    assert float((decode(MIXTURE, encode(MIXTURE, x0, part, None), part, None) - x0).abs().mean()) < 0.02


def test_an_encoding_is_a_function_of_its_sample_alone_and_of_normal_shape() -> None:
    x0 = MIXTURE.draw(300, torch.Generator().manual_seed(1)).double()
    path = levels(Cosine(), 40, "log_snr")
    z = encode(MIXTURE, x0, path, None)
    torch.testing.assert_close(encode(MIXTURE, x0[7:9], path, None), z[7:9], rtol=1e-9, atol=1e-9)
    assert z.mean(0).abs().max() < 0.2
    assert z.std(0) == pytest.approx(torch.ones(z.shape[1]).double(), abs=0.15)


def test_an_arc_begins_and_ends_where_it_should_and_keeps_the_length() -> None:
    a, b = torch.randn(2, 3, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64).unbind()
    b = b * (a.norm(dim=1) / b.norm(dim=1))[:, None]
    assert torch.allclose(between(a, b, 0.0), a) and torch.allclose(between(a, b, 1.0), b)
    for share in (0.2, 0.5, 0.9):
        assert torch.allclose(between(a, b, share).norm(dim=1), a.norm(dim=1))
        assert torch.allclose(between(a, b, share), between(b, a, 1 - share))
        assert torch.allclose(between(a, 2 * a, share), (1 + share) * a)
