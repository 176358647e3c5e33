"""Bits per dimension of test images depend on the image and its number alone, and digits cost fewer than noise does."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import becalm
from becalm.errors import UserError
from becalm_apps.main import command
from becalm_images.data import idx
from becalm_images.judge.likelihood import bits
from becalm_images.request import JudgedRequest

FIXTURE = Path(__file__).parents[2] / "fixtures" / "mnist"


def test_an_image_costs_the_same_in_any_batch_and_more_with_its_pixels_shuffled() -> None:
    model, request = becalm.load("mnist", "cpu"), JudgedRequest(likelihood=True, steps=1)
    digits = torch.tensor(idx.read(FIXTURE / "t10k-images-idx3-ubyte.gz"))[:2, None]
    shuffled = digits.flatten(1)[:, torch.randperm(784, generator=torch.Generator().manual_seed(0))].view_as(digits)
    null, numbers = torch.full((4,), 10), torch.tensor([5, 6, 5, 6])
    whole = bits(model, torch.cat([digits, shuffled]), null, numbers, request)
    assert torch.allclose(bits(model, digits[1:], null[:1], numbers[1:2], request), whole[:, 1:2], rtol=1e-4)
    assert bool((whole[:, 2:] > whole[:, :2] + 1).all())


def test_evaluate_says_how_likely_test_images_are() -> None:
    words = ["images", "evaluate", "--likelihood", "--data", str(FIXTURE), "--count", "2", "--steps", "1", "--json"]
    done = CliRunner().invoke(command(), words, catch_exceptions=False)
    (table,) = json.loads(done.stdout)["tables"]
    assert [row["bits_per_dimension"] for row in table["rows"]] == [
        "by the ODE, 1 step of Heun, 1 probe",
        "variational bound, 5 steps",
    ]
    assert table["columns"] == ["bits_per_dimension", "mean", "95_%_from", "to"]
    assert all(low < mean < high for _, mean, low, high in map(dict.values, table["rows"]))


def test_what_a_likelihood_does_not_use_is_idle_and_an_image_is_no_interval() -> None:
    assert {"sampler", "judge", "guidance"} <= JudgedRequest(likelihood=True).idle().keys()
    assert {"data", "probes"} <= JudgedRequest().idle().keys()
    model = becalm.load("mnist", "cpu")
    reports = model.domain.assess(model, JudgedRequest(likelihood=True, data=str(FIXTURE), count=1))
    with pytest.raises(UserError, match="an interval needs two images, got 1"):
        list(reports)
