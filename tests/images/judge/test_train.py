"""A judge and a classifier of one's own: what they say of themselves, and what they refuse."""

import hashlib
from pathlib import Path

import pytest
import torch

from becalm import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.plugin.report import Progress, Saved, Table
from becalm.provenance import record
from becalm_images.data import load
from becalm_images.domain import Images
from becalm_images.judge.classifier import load_classifier
from becalm_images.judge.find import find
from becalm_images.judge.fit import fit
from becalm_images.judge.judge import load_judge
from becalm_images.options import JudgeOptions
from becalm_images.request import ImageRequest
from becalm_images.verbs.train import judge

FIXTURE = str(Path(__file__).parents[2] / "fixtures" / "mnist")


def test_a_judge_knows_its_data_and_holds_their_test_images(tmp_path: Path) -> None:
    out = tmp_path / "judge.safetensors"
    reports = list(judge(JudgeOptions(data=FIXTURE, epochs=1, out=str(out))))
    made, test = load_judge(out), load(FIXTURE, "test")
    assert made.origin.digest == load(FIXTURE, "train").digest
    assert sorted(made.real.labels.tolist()) == sorted(test.labels.tolist())
    assert any(isinstance(report, Progress) and report.text.endswith("s left") for report in reports)
    (floors,) = (report for report in reports if isinstance(report, Table))
    assert floors.rows[-1][:2] == (len(test.labels), round(made.floors(len(test.labels))["fid"], 4))
    assert isinstance(reports[-1], Saved)
    domain = Images(data=FIXTURE, judge=str(out)).fit()
    images, labels = torch.from_numpy(test.images.copy()), torch.from_numpy(test.labels)
    figures = domain.metrics(images, labels)
    # The same images in another order; the file holds their features in half precision.
    assert figures["fid"] == pytest.approx(figures["fid_floor"], rel=0.01)


def test_a_judge_can_see_its_real_images_anew(tmp_path: Path, judges: dict[str, str]) -> None:
    first, second = Path(judges["judge"]), tmp_path / "second.safetensors"
    list(judge(JudgeOptions(data=FIXTURE, renew=str(first), out=str(second))))
    assert load_judge(first).digest == load_judge(second).digest
    with pytest.raises(UserError, match="judge 'mnist-judge' is of MNIST"):
        list(judge(JudgeOptions(data=FIXTURE, renew="mnist-judge", out=str(second))))


def test_a_classifier_knows_its_data_and_guides_only_these(judges: dict[str, str]) -> None:
    out = Path(judges["classifier"])
    assert load_classifier(out).origin.digest == load(FIXTURE, "train").digest
    assert "class" in Images(data=FIXTURE, classifier=str(out)).fit().energies()
    with pytest.raises(UserError, match=r"is of mnist \([0-9a-f]{8}\), this model of MNIST \(71d3be42\)"):
        Images(classifier=str(out)).energies()


def test_a_judge_from_before_digests_is_asked_to_be_made_anew(tmp_path: Path) -> None:
    bundled, out = Checkpoint.read(find("mnist-judge")), tmp_path / "old.safetensors"
    old = {name: value for name, value in bundled.config.items() if name != "data"}
    Checkpoint(bundled.tensors, old).write(out)
    with pytest.raises(UserError, match=r"does not say which images it is of: make it anew with becalm images judge"):
        load_judge(out)
    Checkpoint({name: value for name, value in bundled.tensors.items() if "real" not in name}, bundled.config).write(
        out
    )
    with pytest.raises(UserError, match=r"has no test images to compare with[^\n]*$"):
        load_judge(out)


def test_a_training_that_is_stopped_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "judge.safetensors"
    training = judge(JudgeOptions(data=FIXTURE, epochs=1, out=str(out)))
    next(training)
    training.close()
    assert not out.exists()


def test_a_result_says_which_classifier_guided_it(judges: dict[str, str]) -> None:
    path = Path(judges["classifier"])
    made = record("images sample", ImageRequest(classifier=str(path), classifier_guidance=1.0))
    assert made.inputs["classifier"].name == path.name
    assert made.inputs["classifier"].digest == hashlib.sha256(path.read_bytes()).hexdigest()
    bundled = record("images sample", ImageRequest(classifier="mnist-classifier", classifier_guidance=1.0))
    assert (bundled.inputs, bundled.settings["classifier"]) == ({}, "mnist-classifier")


def test_weights_that_are_not_finite_are_never_kept() -> None:
    network = torch.nn.Linear(1, 1)
    steps = fit(network, lambda index, step: network(torch.full((1, 1), torch.nan)).sum(), 4, epochs=3, seed=0)
    with pytest.raises(UserError, match=r"^the weights are no longer finite after step 1, nothing is kept: "):
        list(steps)
