"""An objective of a package of its own: its limits, a training by it, and a checkpoint that says what it needs."""

from pathlib import Path
from typing import Any

import pytest
import torch
from package import FIXTURES, Package, becalm, python
from torch import Tensor

from becalm.batch import Batch
from becalm.files.checkpoint import Checkpoint
from becalm.level import NoiseLevel
from becalm.objective import Denoising, Draw, Objective, Others

PAGE = "add-an-objective"
QUICK = ("--data", FIXTURES / "mnist", "--architecture", "unet-tiny", "--batch", 8, "--precision", "fp32")


@pytest.fixture
def kind(module: Any) -> Any:
    return module(PAGE, "becalm_huber.objective").PseudoHuber


def losses(objective: Objective, error: Tensor) -> Tensor:
    """The losses of estimates that are off by this, (B, D)."""
    batch = Batch.dense(torch.zeros_like(error), None)
    level = NoiseLevel(*(torch.full((len(error), 1), 0.5) for _ in range(3)))
    draw = Draw(level.t.flatten(), (level,), error, torch.ones(len(error)))
    return objective.losses(lambda x, level, cond: x, Others(), batch, draw)


def test_far_below_c_it_is_the_squared_error(kind: Any) -> None:
    error = torch.randn(5, 7, dtype=torch.float64)
    squared = losses(Denoising(prediction="x0"), error)
    torch.testing.assert_close(2e4 * losses(kind(c=1e4), error), squared, rtol=1e-6, atol=1e-6)


def test_far_above_c_it_is_the_root_of_the_mean_square(kind: Any) -> None:
    error = torch.randn(5, 7, dtype=torch.float64)
    torch.testing.assert_close(losses(kind(c=1e-9), error), error.square().mean(1).sqrt(), rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def trained(packages: dict[str, Package], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands of the page ran, with small data."""
    folder = tmp_path_factory.mktemp("trained")
    for word, *words in packages[PAGE].commands:
        assert word == "becalm"
        done = becalm(*words, *(QUICK if "train" in words else ()), cwd=folder, package=packages[PAGE])
        assert done.returncode == 0, done.stderr
    return folder


def test_it_trains_and_the_model_samples(trained: Path) -> None:
    config = Checkpoint.read(trained / "runs" / "huber.safetensors").config
    assert (config["objective"]["kind"], config["objective"]["c"]) == ("pseudo_huber", 0.05)
    assert (trained / "huber.png").exists()


def test_the_checkpoint_names_the_distribution_that_brings_it(trained: Path, packages: dict[str, Package]) -> None:
    config = Checkpoint.read(trained / "runs" / "huber.safetensors").config
    assert config["brought"] == {"objective 'pseudo_huber'": packages[PAGE].name}


def test_loading_without_the_package_says_which_to_install(trained: Path) -> None:
    says = next(line for line in _page().splitlines() if line.startswith("    runs/huber.safetensors: ")).strip()
    done = becalm("images", "sample", "--checkpoint", "runs/huber.safetensors", "--out", "no.png", cwd=trained)
    assert (done.returncode, done.stderr) == (2, f"becalm: {says}\n")
    done = python("-c", "import becalm; becalm.load('runs/huber.safetensors')", cwd=trained)
    assert done.stderr.splitlines()[-1] == f"becalm.errors.UserError: {says}"


def test_it_resumes_with_the_package(trained: Path, packages: dict[str, Package]) -> None:
    words = ("images", "train", "--resume", "--steps", 3, "--out", "runs/huber.safetensors")
    done = becalm(*words, cwd=trained, package=packages[PAGE])
    assert done.returncode == 0, done.stderr


def _page() -> str:
    return (Path(__file__).parents[2] / "docs" / "howto" / f"{PAGE}.md").read_text(encoding="utf-8")
