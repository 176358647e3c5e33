"""Images keep core's contract, and do with a request what it says."""

import tomllib
from pathlib import Path

import pytest
import torch
from torch import Tensor

from becalm import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.level import NoiseLevel
from becalm.model import find as model_file
from becalm.objective import Objective
from becalm.schedule import Cosine, Schedule
from becalm.testing import check_domain
from becalm.train import Training
from becalm.train.plan import with_defaults
from becalm_images.domain import Images
from becalm_images.judge.classifier import growing
from becalm_images.request import ImageRequest, JudgedRequest

FIXTURE = str(Path(__file__).parents[1] / "fixtures" / "mnist")


@pytest.mark.parametrize("architecture", ["unet-tiny", "dit-tiny", "unet2d-tiny"])
def test_images_keep_the_contract_of_a_domain(architecture: str, judges: dict[str, str]) -> None:
    check_domain(Images(data=FIXTURE, architecture=architecture, batch=8, **judges).fit())


def test_batches_cover_an_epoch_once_and_resume_anywhere() -> None:
    domain = Images(data=FIXTURE, batch=100).fit()
    stream = domain.batches("train", seed=3)
    batches = [next(stream) for _ in range(12)]
    first_epoch = torch.cat([batch.x0 for batch in batches[:5]]).flatten(1)
    assert len(first_epoch.unique(dim=0)) == 500
    assert not torch.equal(batches[0].x0, batches[5].x0)
    resumed = domain.batches("train", seed=3, start=7)
    assert all(torch.equal(next(resumed).x0, batch.x0) for batch in batches[7:])


def test_a_set_smaller_than_a_batch_still_trains() -> None:
    domain = Images(data=FIXTURE, batch=10_000).fit()
    assert len(next(domain.batches("train", 0)).x0) == 500


def test_pixels_survive_encoding_and_decoding_exactly() -> None:
    domain = Images()
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    encoded = domain.codec().encode(pixels)
    assert (float(encoded.min()), float(encoded.max())) == (-1.0, 1.0)
    assert torch.equal(domain.codec().decode(encoded), pixels)


@pytest.mark.parametrize(
    ("label", "count", "expected"),
    [(7, 3, [7, 7, 7]), ("1,2", 5, [1, 2, 1, 2, 1]), ("any", 12, [*range(10), 0, 1]), ((3,), 1, [3])],
)
def test_labels_are_taken_in_turn(label: object, count: int, expected: list[int]) -> None:
    assert Images().condition(ImageRequest(label=label, count=count)).tolist() == expected


def test_unconditional_requests_carry_the_null_label() -> None:
    assert Images().condition(ImageRequest(count=2, guidance=0)).tolist() == [10, 10]
    assert Images().condition(ImageRequest(count=2, guidance=0, classifier_guidance=1)).tolist() == [0, 1]


@pytest.mark.parametrize("label", [10, -1, "3,12"])
def test_a_label_that_does_not_exist_is_one_sentence(label: object) -> None:
    with pytest.raises(UserError, match=r"^label must be between 0 and 9, got -?\d+$"):
        Images().condition(ImageRequest(label=label))


def test_dropping_gives_the_null_label_and_keeps_the_shape() -> None:
    assert Images(classes=4).drop(torch.tensor([0, 1])).tolist() == [4, 4]


def test_one_kind_of_threshold_bounds_the_estimate_and_none_leaves_it() -> None:
    def far(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        return torch.full_like(x, 3.0)

    level, x = Cosine()(torch.tensor(0.5, dtype=torch.float64)), torch.zeros(2, 1, 28, 28)
    top = {}
    for kind in ("static", "dynamic", "none"):
        request = ImageRequest(threshold=kind)
        top[kind] = float(Images().guidance(request)(far)(x, level, torch.tensor([0, 1])).max())
    assert top == {"static": 1.0, "dynamic": 1.0, "none": 3.0}


def test_an_unconditional_request_never_sees_the_label_whatever_the_interval() -> None:
    seen: list[list[int]] = []

    def watch(x: Tensor, level: NoiseLevel, cond: Tensor) -> Tensor:
        seen.append(cond.tolist())
        return x

    guided = Images().guidance(ImageRequest(guidance=0, guidance_low=0.3, guidance_high=0.7))(watch)
    for t in (0.1, 0.5, 0.9):
        guided(torch.zeros(2, 1, 28, 28), Cosine()(torch.tensor(t, dtype=torch.float64)), torch.tensor([3, 4]))
    assert seen == [[10, 10]] * 3


def test_renders_a_png_grid_and_arrays_of_the_promised_types() -> None:
    domain = Images()
    images, cond = torch.randint(256, (20, 1, 28, 28), dtype=torch.uint8), torch.arange(20) % 10
    picture = domain.render(images, cond)
    assert picture.mime == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    arrays = domain.arrays(images, cond)
    assert arrays["images"].shape == (20, 28, 28)
    assert arrays["images"].dtype == torch.uint8
    assert arrays["labels"].tolist() == cond.tolist()


def test_metrics_of_random_noise_are_far_from_the_floors() -> None:
    domain = Images()
    figures = domain.metrics(torch.randint(256, (100, 1, 28, 28), dtype=torch.uint8), torch.arange(100) % 10)
    assert figures["fid"] > 20 * figures["fid_floor"]
    assert figures["accuracy"] < 0.5
    assert figures["accuracy_floor"] > 0.97


def test_a_judge_or_classifier_of_other_images_is_one_sentence() -> None:
    domain = Images(channels=3, height=32, width=32)
    with pytest.raises(UserError, match=r"^judge 'mnist-judge' is for[^\n]*images judge --data[^\n]*$"):
        domain.metrics(torch.zeros(10, 3, 32, 32, dtype=torch.uint8), torch.zeros(10).long())
    with pytest.raises(UserError, match=r"^classifier 'mnist-classifier' is for[^\n]*images classifier --data[^\n]*$"):
        domain.energies()


def test_the_bundled_model_is_of_its_recipe() -> None:
    recipe = tomllib.loads((Path(__file__).parents[2] / "benchmarks/recipes/mnist-gpu.toml").read_text())
    made = Checkpoint.read(model_file("mnist")).config
    assert (made["schedule"], made["objective"]) == (recipe["schedule"], recipe["objective"])
    assert made["training"] == {**recipe["training"], "minutes": None}
    assert made["step"] == recipe["training"]["steps"]
    # What is read off the data is no recipe's matter.
    of_data = ("data", "digest", "class_names", "holdout", "resize", "crop")
    assert {name: value for name, value in made["settings"].items() if name not in of_data} == {
        name: value for name, value in recipe["settings"].items() if name not in of_data
    }


def test_images_are_trained_as_the_bundled_model_was() -> None:
    recipe = tomllib.loads((Path(__file__).parents[2] / "benchmarks/recipes/mnist.toml").read_text())
    schedule, objective, training = with_defaults(Images)
    assert schedule == Schedule.model_validate(recipe["schedule"])
    assert objective == Objective.model_validate(recipe["objective"])
    # Which arithmetic is the faster is the machine's matter.
    assert training == Training.model_validate({**recipe["training"], "precision": "auto"})
    assert Images() == Images.model_validate(recipe["settings"])


def test_a_judge_or_classifier_of_other_data_is_one_sentence() -> None:
    domain = Images(data="stripes", digest="0" * 64)
    of_both = r"is of MNIST \(71d3be42\), this model of stripes \(00000000\): make one with becalm images"
    with pytest.raises(UserError, match=rf"^judge 'mnist-judge' {of_both} judge --data DIR[^\n]*--judge FILE$"):
        domain.metrics(torch.zeros(10, 1, 28, 28, dtype=torch.uint8), torch.zeros(10).long())
    with pytest.raises(UserError, match=rf"^classifier 'mnist-classifier' {of_both} classifier --data DIR[^\n]*$"):
        domain.energies()
    with pytest.raises(UserError, match="classifier 'mnist-classifier' is of MNIST"):
        domain.guidance(ImageRequest(guidance=0, classifier_guidance=2.0, classifier="mnist-classifier"))


def test_a_model_of_unknown_data_is_judged_with_a_remark() -> None:
    domain = Images(data="/gone/digits")
    figures = domain.metrics(torch.zeros(100, 1, 28, 28, dtype=torch.uint8), torch.arange(100) % 10)
    assert (
        domain.remark(figures, 100)
        == "the checkpoint does not say whether it is of the same data as its judge, mnist-judge"
    )


def test_a_request_of_evaluate_may_name_another_judge(judges: dict[str, str]) -> None:
    domain = Images(data=FIXTURE).fit()
    assert domain.judged(JudgedRequest(judge=judges["judge"])).judge == judges["judge"]
    with pytest.raises(UserError, match="judge 'mnist-judge' is of MNIST"):
        domain.judged(JudgedRequest())


def test_what_is_left_out_is_said() -> None:
    domain = Images()
    images, labels = torch.zeros(120, 1, 28, 28, dtype=torch.uint8), torch.arange(120) % 10
    few, whole, sevens = (
        domain.metrics(images[:count], cond[:count])
        for count, cond in ((16, labels), (120, labels), (120, 0 * labels + 7))
    )
    assert domain.remark(few, 16) == "FID, precision and recall are given from 100 samples on"
    assert "sets of 120 test images" in str(domain.remark(whole, 120))
    assert "ask for --label any" in str(domain.remark(sevens, 120))
    assert {name.partition("_")[0] for name in few} == {"accuracy"}
    assert all(" " not in name for name in whole)


def test_the_classifiers_scale_grows_with_the_signal_between_its_ends() -> None:
    level = Cosine()
    half = level(torch.tensor(0.5, dtype=torch.float64))
    assert growing(4.0, 4.0) == 4.0
    scale = growing(2.0, 10.0)
    assert callable(scale)
    assert float(scale(level(torch.tensor(1.0, dtype=torch.float64)))) == pytest.approx(2.0)
    assert float(scale(half)) == pytest.approx(2.0 + 8.0 * float(half.alpha) ** 2)
    assert float(scale(level(torch.tensor(0.0, dtype=torch.float64)))) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("fields", "spacing"),
    [
        ({}, "log_snr"),
        ({"sampler": "unipc"}, "log_snr"),
        ({"sampler": "dpmppsde"}, "trailing"),
        ({"sampler": "ddim"}, "trailing"),
        ({"sampler": "heun"}, "karras"),
        ({"spacing": "trailing"}, "trailing"),
    ],
)
def test_levels_are_spaced_as_the_solver_wants_it(fields: dict[str, str], spacing: str) -> None:
    assert ImageRequest.model_validate(fields).spaced == spacing
