"""A process of a package of its own: its laws, and a model of it that is trained, saved and read again."""

from pathlib import Path
from typing import Any

import pytest
import torch
from package import Package, python
from torch import Tensor

from becalm.files.checkpoint import Checkpoint
from becalm.level import NoiseLevel
from becalm.sampler import DDIM, DDPM, sample
from becalm.schedule import Cosine, Flow, NoiseSchedule, levels

PAGE = "add-a-process"
COUNT = 200_000


@pytest.fixture
def process(module: Any) -> Any:
    return module(PAGE, "becalm_masking.process").Masking()


def noise(seed: int) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return lambda like: torch.randn(like.shape, generator=generator, dtype=like.dtype)


def shares(x: Tensor) -> Tensor:
    """How many are -1, 0 and 1."""
    return torch.stack([(x == value).double().mean() for value in (-1, 0, 1)])


@pytest.mark.parametrize("schedule", [Flow(), Cosine()], ids=lambda schedule: schedule.kind)
def test_moves_between_levels_agree_with_noising_at_once(process: Any, schedule: NoiseSchedule) -> None:
    draw, x0 = noise(0), torch.ones(COUNT, dtype=torch.float64)
    low, high = (schedule(torch.tensor(t, dtype=torch.float64)) for t in (0.3, 0.8))
    direct = [shares(process.corrupt(x0, level, draw)) for level in (low, high)]
    up = process.up(process.corrupt(x0, low, draw), low, high, draw)
    down = process.bridge(process.corrupt(x0, high, draw), x0, high, low, draw)
    torch.testing.assert_close(shares(up), direct[1], atol=5e-3, rtol=0)
    torch.testing.assert_close(shares(down), direct[0], atol=5e-3, rtol=0)


def test_ancestral_sampling_with_an_exact_denoiser_gives_the_data(process: Any) -> None:
    # Two bits that are equal with probability .9: where one is known, the other's mean is .8 of it.
    def exact(x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        return torch.where(x == 0, 0.8 * x.flip(1), x)

    path, draw = levels(Flow(), 400), noise(1)
    x = sample(DDPM()(exact, process.prior(torch.empty(20_000, 2), path[0], draw), path, None, draw, process))
    assert set(x.unique().tolist()) == {-1.0, 1.0}
    assert abs(float((x[:, 0] == x[:, 1]).float().mean()) - 0.9) < 0.01
    assert abs(float(x.mean())) < 0.02


def test_samplers_of_differential_equations_refuse_it(process: Any) -> None:
    with pytest.raises(ValueError, match="needs a Gaussian process, got masking: use ddpm"):
        sample(DDIM()(lambda x, level, cond: x, torch.zeros(2, 2), levels(Flow(), 3), None, process=process))


@pytest.fixture(scope="module")
def trained(packages: dict[str, Package], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the script of the page ran."""
    folder, package = tmp_path_factory.mktemp("trained"), packages[PAGE]
    done = python(package.folder / "train.py", cwd=folder, package=package)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_checkpoint_names_the_process_and_its_distribution(trained: Path, packages: dict[str, Package]) -> None:
    config = Checkpoint.read(trained / "bits.safetensors").config
    assert config["settings"]["noise"] == {"kind": "masking"}
    assert config["brought"] == {"process 'masking'": packages[PAGE].name}


def test_a_model_is_read_again(trained: Path, packages: dict[str, Package]) -> None:
    lines = packages[PAGE].files["train.py"]
    script = lines[: lines.index("first = ")] + "model = becalm.load('bits.safetensors', network=Guess())\n"
    script += "made = model.sample(count=500, steps=50, sampler='ddpm').data\n"
    script += "print(float((made[:, ::2] == made[:, 1::2]).float().mean()), sorted(made.unique().tolist()))"
    done = python("-c", script, cwd=trained, package=packages[PAGE])
    assert done.returncode == 0, done.stderr
    alike, _, values = done.stdout.partition(" ")
    assert float(alike) > 0.9 and values == "[-1.0, 1.0]\n"


def test_reading_it_without_the_package_says_which_to_install(trained: Path, packages: dict[str, Package]) -> None:
    script = "import becalm, torch; becalm.load('bits.safetensors', network=torch.nn.Linear(1, 1))"
    done = python("-c", script, cwd=trained)
    assert f"needs process 'masking', which {packages[PAGE].name} brings" in done.stderr
