"""A sampler of a package of its own: it samples better than its predictor, and becalm takes it for one of its own."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from package import Package, becalm, python
from torch import Tensor

from becalm.denoiser import GaussianMixture
from becalm.level import NoiseLevel
from becalm.sampler import DDIM, Sampler, sample
from becalm.schedule import Cosine, levels

PAGE = "add-a-sampler"


@pytest.fixture
def kind(module: Any) -> Any:
    return module(PAGE, "becalm_corrector.sampler").Corrected


def spread(sampler: Sampler, steps: int) -> float:
    """The standard deviation of samples of two clusters at -1 and 1, each of standard deviation .2."""
    data = GaussianMixture(torch.tensor([0.5, 0.5]), torch.tensor([[-1.0], [1.0]]), torch.tensor([0.2, 0.2]))
    generator = torch.Generator().manual_seed(0)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator)

    path = levels(Cosine(), steps, "log_snr")
    return float(sample(sampler(data, noise(torch.empty(20_000, 1)), path, None, noise)).std())


def test_corrections_bring_samples_nearer_to_the_data(kind: Any) -> None:
    exact = (1 + 0.2**2) ** 0.5
    errors = [abs(spread(sampler, 10) - exact) for sampler in (DDIM(), kind(corrections=4, snr=0.3))]
    assert errors[1] < 0.5 * errors[0]


def test_without_corrections_it_is_its_predictor(kind: Any) -> None:
    assert spread(kind(corrections=0), 10) == spread(DDIM(), 10)


def test_a_coordinate_that_is_clean_already_stays_finite(kind: Any) -> None:
    def schedule(t: Tensor) -> NoiseLevel:
        angle = (torch.pi / 2 * (t[..., None] * torch.tensor([1.0, 2.0]) - torch.tensor([0.0, 1.0]))).clamp(min=0)
        return NoiseLevel(t, angle.cos(), angle.sin())

    path = levels(schedule, 8)
    found = sample(kind()(lambda x, level, cond: x / 2, torch.randn(3, 2), path, None))
    assert bool(torch.isfinite(found).all())


def test_the_commands_of_the_page_run_and_help_lists_it(packages: dict[str, Package], tmp_path: Path) -> None:
    package = packages[PAGE]
    assert len(package.commands) == 3
    for word, *words in package.commands:
        assert word == "becalm"
        done = becalm(*words, cwd=tmp_path, package=package)
        assert done.returncode == 0, done.stderr
        if "--help" in words:
            assert re.search(r"--sampler KIND[^\[]*\bcorrected\b", done.stdout)
            for field in ("predictor", "corrections", "snr"):
                assert f"--sampler.{field} " in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"x.png", "y.png"}


def test_a_help_text_does_not_wait_for_torch(packages: dict[str, Package], tmp_path: Path) -> None:
    code = "import sys, becalm_corrector.sampler; print('torch' in sys.modules)"
    assert python("-c", code, cwd=tmp_path, package=packages[PAGE]).stdout == "False\n"


def test_the_python_of_the_page_runs(packages: dict[str, Package], tmp_path: Path) -> None:
    for snippet in packages[PAGE].snippets:
        done = python("-c", snippet, cwd=tmp_path, package=packages[PAGE])
        assert done.returncode == 0, done.stderr


def test_an_option_of_another_sampler_is_refused(packages: dict[str, Package], tmp_path: Path) -> None:
    words = ("images", "sample", "--sampler", "corrected", "--sampler.churn", 0.1, "--out", "x.png")
    done = becalm(*words, cwd=tmp_path, package=packages[PAGE])
    assert done.returncode == 2
    assert "--sampler.churn" in done.stderr and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_without_the_package_there_is_no_such_sampler(tmp_path: Path) -> None:
    done = becalm("images", "sample", "--sampler", "corrected", "--out", "x.png", cwd=tmp_path)
    assert done.returncode == 2
    assert "'corrected'" in done.stderr and "dpmpp2m" in done.stderr
