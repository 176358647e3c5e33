"""What the bundled checkpoints promise, on few samples: the page of results has the figures of many."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

import becalm
from becalm import UserError
from becalm.model import Model
from becalm.plugin.find import pretrained
from becalm.sampler import last
from becalm.schedule import Cosine
from becalm_images.data import idx
from becalm_images.domain import Images
from becalm_images.judge.find import find
from becalm_images.judge.judge import Judge, load_judge

FIXTURE = Path(__file__).parents[1] / "fixtures" / "mnist"
FAST = {"steps": 12, "precision": "fp32"}


@pytest.fixture(scope="module")
def model() -> Model[Tensor]:
    return becalm.load("mnist", "cpu")


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load_judge(find("mnist-judge"))


def _digits(model: Model[Tensor]) -> Images:
    assert isinstance(model.domain, Images)
    return model.domain


def test_the_judge_knows_real_digits(judge: Judge) -> None:
    images = torch.tensor(idx.read(FIXTURE / "t10k-images-idx3-ubyte.gz"))[:, None]
    labels = torch.tensor(idx.read(FIXTURE / "t10k-labels-idx1-ubyte.gz")).long()
    figures = judge.metrics(images, labels)
    assert figures["accuracy"] > 0.97
    assert figures["recall"] > 0.3  # 200 images cover less of the training set than 3000 do
    assert figures["precision"] > 0.8


def test_conditional_samples_are_what_was_asked_for(model: Model[Tensor]) -> None:
    samples = model.sample(count=100, **FAST)
    figures = model.domain.metrics(samples.data, samples.cond)
    assert figures["accuracy"] >= 0.95
    assert figures["fid"] < figures["fid_floor"] + 5


def test_the_distilled_model_draws_digits_in_one_call_where_its_teacher_draws_none(model: Model[Tensor]) -> None:
    student = becalm.load("mnist-1", "cpu")
    assert student.request().steps == 1 and student.request().guidance == 1
    drawn, blurred = (each.sample(count=100, steps=1, precision="fp32") for each in (student, model))
    figures, theirs = (model.domain.metrics(samples.data, drawn.cond) for samples in (drawn, blurred))
    assert figures["accuracy"] >= 0.95
    assert figures["fid"] < figures["fid_floor"] + 5 and figures["fid"] < 0.5 * theirs["fid"]


def test_classifier_guidance_makes_an_unconditional_model_follow_labels(model: Model[Tensor]) -> None:
    fields = {"sampler": "ddpm", "steps": 20, "count": 40, "guidance": 0}
    guided = model.sample(classifier_guidance=10.0, **fields)
    free = model.sample(**fields)
    accuracy = [model.domain.metrics(samples.data, guided.cond)["accuracy"] for samples in (free, guided)]
    assert accuracy[0] < 0.3
    assert accuracy[1] > 0.7


def test_sample_i_is_the_same_in_any_batch(model: Model[Tensor]) -> None:
    whole = model.sample(count=20, steps=4, guidance=1.5).x0
    parts = model.sample(count=20, steps=4, guidance=1.5, batch=7).x0
    alone = model.sample(count=1, steps=4, guidance=1.5).x0
    assert torch.equal(whole, parts)
    assert torch.equal(whole[:1], alone)


@pytest.mark.parametrize("counts", [(1, 2, 5, 17), pytest.param(range(1, 41), marks=pytest.mark.slow)], ids=len)
def test_no_count_changes_a_sample(counts: Sequence[int], model: Model[Tensor]) -> None:
    denoise, level = model.denoiser(), Cosine()(torch.tensor(0.6).double())
    x, labels = torch.randn(40, 1, 28, 28, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 11
    with torch.no_grad():
        whole = denoise(x, level, labels)
        # Twice, as a short chunk is computed padded when its length is first met.
        for count in (*counts, *counts):
            assert torch.equal(denoise(x[:count], level, labels[:count]), whole[:count]), count


def _image(model: Model[Tensor]) -> Tensor:
    return torch.tensor(idx.read(FIXTURE / "t10k-images-idx3-ubyte.gz"))[0][None, None].float()


def test_inpainting_keeps_the_known_pixels_to_the_letter(model: Model[Tensor]) -> None:
    image, mask = _image(model), torch.zeros(1, 1, 28, 28, dtype=torch.bool)
    mask[..., :14, :] = True
    final = last(model.edit(image, mask=mask, count=1, label=7, **FAST)).x
    made = model.decode(final, torch.tensor([7]))
    assert torch.equal(made[0, 0, :14], image[0, 0, :14].to(torch.uint8))
    assert not torch.equal(made[0, 0, 14:], image[0, 0, 14:].to(torch.uint8))


def test_editing_from_less_noise_stays_nearer_to_the_image(model: Model[Tensor]) -> None:
    image = _image(model)
    x0 = model.codec.encode(image)
    distance = [
        float((last(model.edit(image, start=start, count=1, label=7, **FAST)).x - x0).square().mean())
        for start in (0.15, 0.95)
    ]
    assert distance[0] < 0.5 * distance[1]


def test_a_checkpoint_of_another_kind_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"^[^\n]*not a model that can be sampled[^\n]*$"):
        becalm.load(find("mnist-judge"))
    with pytest.raises(UserError, match="unknown classifier or judge 'mnist-juge'.*did you mean 'mnist-judge'"):
        find("mnist-juge")
    with pytest.raises(UserError, match="no judge"):
        load_judge(pretrained("mnist")[1])
