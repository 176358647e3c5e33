"""An image model and a pipeline of diffusers are the same in two libraries: with the same noise, the same samples."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from both_libraries import checkpoint, diffusers, domain, saved, stirred, their_network
from torch import Tensor

from becalm.files.checkpoint import Checkpoint
from becalm.model import Model, build, path_for
from becalm.objective import Objective
from becalm.sampler import sample
from becalm.schedule import Cosine, Discrete, Linear, Schedule, betas
from becalm_images.domain import Images
from becalm_images.interchange.pipeline_folder import pipeline, read
from becalm_images.interchange.scheduler import schedule_of, to_config
from becalm_images.interchange.unet_config import config_of, domain_of
from becalm_images.networks.architecture import PRESETS, UNet2DShape

COUNT, STEPS = 3, 10
CLOSE = 1e-5
HALF = {"num_train_timesteps": 500}
# Each differs from the first in what it changes; together they name every part of the configuration.
SHAPES: dict[str, dict[str, Any]] = {
    "preset": {},
    "first of the papers": {"scaled": False, "padding": 0, "cosine_first": False, "shift": 1, "head_width": None},
    "no classes, no attention": {"conditioning": "none", "attention": (), "middle_attention": False, "epsilon": 1e-6},
    "attention everywhere": {"conditioning": "classes", "attention": (0, 1), "middle_groups": 4, "blocks": 2},
}


def noises(seed: int = 1) -> Callable[[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda like: torch.randn(like.shape, generator=generator)


def ours(model: Model[Any], label: int, **fields: Any) -> Tensor:
    """Our sampler, with the noise that their pipeline draws from the same generator."""
    request = model.request(**{"count": COUNT, "steps": STEPS, "guidance": 1, **fields})
    noise = noises()
    start = noise(torch.empty(request.count, *model.domain.shape()))
    denoise = model.domain.guidance(request)(model.denoiser(request))
    cond = torch.full((request.count,), label)
    return sample(request.sampler(denoise, start, path_for(model.schedule, request), cond, noise))


def theirs(pipe: Any, **arguments: Any) -> Tensor:
    pipe.set_progress_bar_config(disable=True)
    settings = {"num_inference_steps": STEPS, "output_type": "pt" if "eta" in arguments else "np", **arguments}
    made = pipe(COUNT, torch.Generator().manual_seed(1), return_dict=False, **settings)[0]
    return made if isinstance(made, Tensor) else torch.as_tensor(made).permute(0, 3, 1, 2)


def apart(found: Tensor, wanted: Tensor) -> float:
    """The largest difference, in units of the range from black to white, of samples not all black and white."""
    shown = (found / 2 + 0.5).clamp(0, 1)
    assert ((shown > 0.01) & (shown < 0.99)).float().mean() > 0.3
    return float((shown - wanted).abs().max())


def written(model: Model[Any], folder: Path, label: Any) -> Path:
    for name, content in pipeline(model, label).files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("settings", SHAPES.values(), ids=SHAPES)
@torch.no_grad()
def test_unet2d_is_the_unet_of_diffusers_weight_for_weight(settings: dict[str, Any]) -> None:
    images = domain(**settings)
    shape = images.architecture
    assert isinstance(shape, UNet2DShape)
    mine = stirred(images.network(), 0.05)
    other = diffusers.UNet2DModel(**config_of(images, shape, keep=True)).eval()
    other.load_state_dict(mine.state_dict())
    x, labels = torch.randn(4, 1, 8, 12), torch.tensor([0, 1, 2, 0])
    given = None if shape.conditioning == "none" else labels
    index = torch.tensor([0, 1, 500, 999])
    level = Linear()((index.double() + 1) / 1000)
    wanted = other(x, index, given).sample
    assert wanted.std() > 0.05
    torch.testing.assert_close(mine(x, level.spread(x), labels), wanted, atol=2e-6, rtol=1e-5)
    for number in range(4):
        alone = mine(x[number : number + 1], Linear()(level.t[number]), labels[number : number + 1])
        torch.testing.assert_close(alone, wanted[number : number + 1], atol=2e-6, rtol=1e-5)
    again = domain_of(dict(other.config), steps=1000, null_class=shape.conditioning == "guided")
    assert again == (images.model_copy(update={"classes": 1}) if given is None else images)


@pytest.mark.parametrize(
    ("schedule", "prediction", "label"),
    [
        pytest.param(Linear(), "eps", 2, id="linear-eps"),
        pytest.param(Linear(), "x0", "null", id="linear-x0"),
        pytest.param(Cosine(), "v", "null", id="cosine-v"),
    ],
)
def test_a_checkpoint_of_ours_draws_the_same_in_their_pipelines(
    schedule: Schedule, prediction: Any, label: Any, tmp_path: Path
) -> None:
    model = build(checkpoint(domain(), schedule, Objective(prediction=prediction)), torch.device("cpu"))
    folder, number = written(model, tmp_path / "pipeline", label), 3 if label == "null" else label
    ddpm, ddim = (kind.from_pretrained(folder) for kind in (diffusers.DDPMPipeline, diffusers.DDIMPipeline))
    assert type(ddpm.unet) is diffusers.UNet2DModel
    assert apart(ours(model, number, sampler="ddpm"), theirs(ddpm)) < CLOSE
    for eta in (0.0, 0.7):
        # With a clipped estimate they take the noise from the unclipped one unless told otherwise.
        wanted = theirs(ddim, eta=eta, use_clipped_model_output=True)
        assert apart(ours(model, number, sampler="ddim", eta=eta), wanted) < CLOSE
    assert apart(ours(model, 1, sampler="ddpm"), theirs(ddpm)) > 100 * CLOSE


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"prediction_type": "epsilon"}, id="linear"),
        pytest.param({"prediction_type": "sample", "beta_schedule": "scaled_linear"}, id="scaled"),
        pytest.param({"prediction_type": "v_prediction", "beta_schedule": "squaredcos_cap_v2"}, id="cosine"),
        pytest.param({"prediction_type": "v_prediction", "beta_schedule": "sigmoid", **HALF}, id="sigmoid"),
        pytest.param({"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}, id="zero-snr"),
        pytest.param(
            {"prediction_type": "sample", "trained_betas": betas(Cosine(), 500).tolist(), **HALF},
            id="table",
        ),
    ],
)
def test_a_network_of_theirs_draws_the_same_with_our_samplers(settings: dict[str, Any], tmp_path: Path) -> None:
    network = their_network(downsample_padding=0, freq_shift=1, flip_sin_to_cos=False, norm_eps=1e-6)
    if settings["prediction_type"] == "epsilon":
        mine = build(checkpoint(domain(), Linear(), Objective(prediction="eps")), torch.device("cpu"))
        network = diffusers.UNet2DModel.from_pretrained(written(mine, tmp_path / "taught", 1) / "unet")
    scheduler = diffusers.DDPMScheduler(timestep_spacing="leading", **settings)
    folder = saved(tmp_path / "pipeline", network, scheduler)
    model = build(read(folder)[0], torch.device("cpu"))
    wanted = theirs(diffusers.DDPMPipeline.from_pretrained(folder))
    assert apart(ours(model, 0, sampler="ddpm", spacing="leading"), wanted) < CLOSE
    if settings.get("beta_schedule") != "sigmoid":  # Their DDIM has no such table.
        wanted = theirs(diffusers.DDIMPipeline.from_pretrained(folder), eta=0.0, use_clipped_model_output=True)
        assert apart(ours(model, 0, sampler="ddim", spacing="leading"), wanted) < CLOSE


def test_learned_variances_go_over_both_ways(tmp_path: Path) -> None:
    # On all the steps of the table: on fewer, theirs interpolates towards a beta of the whole table.
    images, schedule = domain(timesteps=STEPS).model_copy(update={"outputs": 2}), Linear(steps=STEPS, last=0.5)
    model = build(checkpoint(images, schedule, Objective(prediction="v", learned_variance=0.001)), torch.device("cpu"))
    folder = written(model, tmp_path / "pipeline", 1)
    wanted = theirs(diffusers.DDPMPipeline.from_pretrained(folder))
    assert apart(ours(model, 1, sampler="ddpm", variance="learned"), wanted) < CLOSE
    assert apart(ours(model, 1, sampler="ddpm"), wanted) > 100 * CLOSE
    again = build(read(folder)[0], torch.device("cpu"))
    assert apart(ours(again, 0, sampler="ddpm", variance="learned"), wanted) < CLOSE


def test_a_checkpoint_that_went_over_and_came_back_is_the_same(tmp_path: Path) -> None:
    for preset in ("unet2d-tiny", "unet-tiny"):
        there = checkpoint(Images(architecture=PRESETS[preset]), Cosine(), Objective())
        folder = written(build(there, torch.device("cpu")), tmp_path / preset, "all")
        back, _ = read(folder, null_class=True)
        assert back.tensors.keys() == there.tensors.keys()
        assert all(torch.equal(back.tensors[name], tensor) for name, tensor in there.tensors.items())
        assert back.config["settings"] == Images(architecture=PRESETS[preset]).model_dump(mode="json")


def test_the_bundled_model_runs_in_their_pipelines_through_the_adapter(becalm: Any, tmp_path: Path) -> None:
    import becalm_images.adapter

    model = build(Checkpoint.read(bundled()), torch.device("cpu"))
    assert becalm("images", "to-diffusers", "mnist", "sevens", "--label", "7")[0] == 0
    ddpm, ddim = (
        kind.from_pretrained(tmp_path / "sevens") for kind in (diffusers.DDPMPipeline, diffusers.DDIMPipeline)
    )
    assert type(ddpm.unet) is becalm_images.adapter.Adapter
    assert apart_of_digits(ours(model, 7, sampler="ddpm"), theirs(ddpm)) < CLOSE
    wanted = theirs(ddim, eta=0.0, use_clipped_model_output=True)
    assert apart_of_digits(ours(model, 7, sampler="ddim"), wanted) < CLOSE
    assert model.domain.metrics((255 * wanted).round().to(torch.uint8), torch.full((COUNT,), 7))["accuracy"] == 1.0


def bundled() -> Path:
    from becalm.plugin.find import pretrained

    return pretrained("mnist")[1]


def apart_of_digits(found: Tensor, wanted: Tensor) -> float:
    """Digits are mostly black; here it is they that make sure that the comparison says something."""
    assert wanted.mean() > 0.02
    return float(((found / 2 + 0.5).clamp(0, 1) - wanted).abs().max())


def test_both_verbs_write_whole_or_not_at_all_and_need_no_diffusers(becalm: Any, tmp_path: Path) -> None:
    checkpoint(domain(), Linear(), Objective(prediction="eps")).write(tmp_path / "mine.safetensors")
    script = (
        "import sys\nfrom becalm_apps.main import main\n"
        "for words in ('to-diffusers mine.safetensors there', 'from-diffusers there --out back.safetensors'):\n"
        "    try: main(['images', *words.split()])\n    except SystemExit as end: print(end.code)\n"
        "print('diffusers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    first, code, second, third, again, imported = done.stdout.splitlines()
    assert (code, again, imported, done.stderr) == ("0", "0", "False", "")
    assert first == "there: a DDPMPipeline, its network a UNet2DModel"
    assert second == "back.safetensors: network unet2d, schedule linear, predicts eps"
    assert third.endswith("--sampler ddpm --steps 1000 --spacing trailing --threshold static")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.safetensors", "mine.safetensors", "there"]
    code, _, _ = becalm("images", "sample", "--checkpoint", "back.safetensors", "--count", "2", "--steps", "2")
    assert code == 0
    code, _, err = becalm("images", "to-diffusers", "mine.safetensors", "there")
    assert (code, err) == (2, "becalm: FOLDER there exists: name a folder that is new or empty\n")


def test_schedules_go_over_with_the_levels_they_have() -> None:
    grid = torch.arange(1, 1001, dtype=torch.float64) / 1000
    for schedule in (Linear(), Linear(last=0.01), Cosine(), Discrete(betas=tuple(betas(Cosine(), 100).tolist()))):
        config = to_config(schedule, Objective(prediction="v"), 1000)
        level, again = schedule(grid), schedule_of(config)(grid)
        torch.testing.assert_close(again.alpha, level.alpha, rtol=0, atol=1e-6)
        bars = diffusers.DDPMScheduler.from_config(config).alphas_cumprod.double()
        torch.testing.assert_close(bars, level.alpha**2, rtol=0, atol=2e-6)
