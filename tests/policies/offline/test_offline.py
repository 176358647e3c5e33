"""What demonstrations alone tell: ridge regression, rivals, errors, raw or executed actions."""

from pathlib import Path

import numpy as np
import pytest

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.domain import Policies
from becalm_policies.offline.bounds import choose, limited
from becalm_policies.offline.errors import energies, errors, figures
from becalm_policies.offline.examine import Known, examine
from becalm_policies.offline.reference import pack, unpack
from becalm_policies.offline.ridge import Array, ridge
from becalm_policies.offline.rivals import rivals

LOW, HIGH = (-1.0,) * 3, (1.0,) * 3


def waves(episodes: int, seed: int = 0) -> tuple[Array, Array]:
    """Six slow waves (N, 6) and the episode of each row."""
    rng, parts = np.random.default_rng(seed), []
    for _ in range(episodes):
        pace, phase = rng.uniform(0.03, 0.12, 6), rng.uniform(0, 6.3, 6)
        parts.append(np.sin(pace * np.arange(200)[:, None] + phase))
    return np.concatenate(parts), np.repeat(np.arange(episodes), 200)


def test_a_linear_law_is_found_and_noise_is_not_explained() -> None:
    rng = np.random.default_rng(0)
    inputs, groups = rng.normal(size=(1000, 5)), np.repeat(np.arange(10), 100)
    law = rng.normal(size=(5, 3))
    outputs = 1e3 * (inputs @ law) + 7
    found = ridge(inputs, outputs, groups)
    np.testing.assert_allclose(found(inputs), outputs, rtol=1e-4, atol=0.1)
    assert found.explained > 1 - 1e-8
    assert ridge(inputs, rng.normal(size=(1000, 3)), groups).explained < 0.02
    assert ridge(inputs, np.full((1000, 2), 0.1), groups).explained == 0.0


def test_it_is_the_solution_of_its_normal_equations() -> None:
    rng = np.random.default_rng(1)
    inputs, outputs = rng.normal(size=(60, 4)) * (1, 10, 0.1, 3), rng.normal(size=(60, 2))
    found = ridge(inputs, outputs, np.arange(60), strengths=(50.0,))
    x = (inputs - inputs.mean(0)) / inputs.std(0)
    solved = np.linalg.solve(x.T @ x + 1e-3 * 50.0 * 60 * np.eye(4), x.T @ (outputs - outputs.mean(0)))
    np.testing.assert_allclose(found(inputs), x @ solved + outputs.mean(0), atol=1e-12)


def test_the_five_nearest_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(2)
    features, outputs, asked = rng.normal(size=(300, 4)), rng.normal(size=(300, 2)), rng.normal(size=(40, 4))
    found = rivals(features, outputs, np.repeat(np.arange(10), 30))
    near = (((features[None] - asked[:, None]) / features.std(0)) ** 2).sum(2).argsort(1)[:, :5]
    np.testing.assert_allclose(found["neighbours"](asked), outputs[near].mean(1))
    np.testing.assert_allclose(found["mean"](asked)[3], outputs.mean(0))


def test_the_error_of_the_mean_does_not_depend_on_how_many_draws_there_are() -> None:
    rng = np.random.default_rng(3)
    truth = np.zeros((20000, 2))
    for count in (2, 8):
        assert errors(truth, 0.5 + rng.normal(size=(count, 20000, 2))).mean() == pytest.approx(0.25, abs=0.02)
    assert errors(truth, np.full((1, 20000, 2), 2.0)).mean() == 4.0


def test_more_samples_tell_the_same_error_more_closely() -> None:
    rng = np.random.default_rng(4)
    truth = rng.normal(size=(50, 6))
    told = Known(np.arange(50), truth, np.arange(50), {"mean": np.zeros((50, 6))}, np.ones(6))

    def error(samples: int) -> float:
        found = examine(told, lambda rows: rng.normal(size=(len(rows), 3, 2)), None, None, samples)
        return float(found["action_error"].mean())

    few, many = ([error(samples) for _ in range(40)] for samples in (4, 64))
    assert np.mean(few) == pytest.approx(1.0, abs=0.05) and np.mean(many) == pytest.approx(1.0, abs=0.02)
    assert np.std(many) < 0.5 * np.std(few)


def test_draws_of_the_true_distribution_have_the_least_energy() -> None:
    """Two ways with nothing between: the mean is wrong always, who goes both ways is right."""
    rng = np.random.default_rng(4)
    truth, both = rng.choice([-1.0, 1.0], (5000, 1)), rng.choice([-1.0, 1.0], (6, 5000, 1))
    # E|X - y| = 1 and E|X - X'| / 2 = 1 / 2.
    assert energies(truth, both).mean() == pytest.approx(0.5, abs=0.03)
    assert energies(truth, np.zeros((6, 5000, 1))).mean() == 1.0
    assert energies(truth, np.ones((6, 5000, 1))).mean() == pytest.approx(1.0, abs=0.05)
    said = figures(truth, both, {"mean": np.zeros((5000, 1))}, np.ones(1))
    assert said["action_error_mean"] == said["action_energy_mean"] == 1.0
    assert said["action_energy"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("expert", "right"),
    [
        (lambda s, g: np.sinh(3 * s @ g) / 3, "clip"),
        (lambda s, g: 40 * s @ g, "raw"),
        (lambda s, g: 1.5 * s @ g, "raw"),
    ],
    ids=["far too much", "stiff and linear", "a little too much"],
)
@pytest.mark.parametrize("episodes", [5, 20])
def test_what_regressions_learn_better_is_chosen(expert: object, right: str, episodes: int) -> None:
    assert callable(expert)
    seen, groups = waves(episodes)
    actions = expert(seen, np.random.default_rng(0).normal(0, 0.4, (6, 3)))
    assert choose(seen, actions, LOW, HIGH, groups) == right
    assert choose(seen, limited(actions, "clip", LOW, HIGH), LOW, HIGH, groups) == "raw"
    assert choose(seen, actions, None, None, groups) == "raw"


def test_weights_survive_as_text_and_others_are_refused() -> None:
    weights = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32).astype(np.float64)
    assert (unpack(pack(weights), 6) == weights).all()
    for text, wrong in (("?", "base64"), (pack(weights), "rows of 7"), (pack(weights * np.inf), "finite")):
        with pytest.raises(ValueError, match=wrong):
            unpack(text, 7 if wrong == "rows of 7" else 6)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty episodes of a linear law, its actions partly beyond their bounds."""
    seen, _ = waves(20)
    spec = {"action_low": list(LOW), "action_high": list(HIGH)}
    actions = 1.5 * seen @ np.random.default_rng(0).normal(0, 0.4, (6, 3))
    path = tmp_path_factory.mktemp("linear") / "linear.npz"
    Episodes(seen, actions, np.arange(1, 21) * 200, None, "", spec).write(path)
    return path


def test_chunks_are_learnt_as_differences_from_a_line_that_explains_them(file: Path) -> None:
    domain = Policies(data=str(file)).fit()
    assert domain.bounds == "raw" and domain.statistics is not None and domain.statistics.linear
    batch = next(domain.batches("train", 0))
    x0 = domain.codec().encode(batch.x0, batch.cond)
    np.testing.assert_allclose(domain.codec().decode(x0, batch.cond).numpy(), batch.x0.numpy(), atol=1e-5)
    plain = Policies(data=str(file), reference="none").fit()
    assert plain.statistics is not None and not plain.statistics.linear
    left = float((batch.x0 - batch.cond.reference).square().mean())
    assert left < 0.25 * float(batch.x0.var())
    with pytest.raises(ValueError, match="must have 13 rows, got 5"):
        wrong = {**domain.statistics.model_dump(), "linear": pack(np.zeros((5, 48)))}
        Policies.model_validate({**domain.model_dump(), "statistics": wrong})


def test_what_is_beyond_bounds_is_said_and_learnt_as_asked(file: Path) -> None:
    domain = Policies(data=str(file)).fit()
    assert "of the steps have actions beyond their bounds, learnt as they were asked for (--bounds)" in domain.summary()
    clipped = Policies(data=str(file), bounds="clip").fit()
    assert "learnt as they were executed" in clipped.summary()
    assert (
        float(next(clipped.batches("train", 0)).x0.abs().max())
        == 1.0
        < float(next(domain.batches("train", 0)).x0.abs().max())
    )


@pytest.mark.parametrize(("count", "holdout", "kept"), [(20, None, 1), (9, None, 0), (20, 3, 3), (20, 0, 0)])
def test_one_of_twenty_demonstrations_is_kept_out(file: Path, count: int, holdout: int | None, kept: int) -> None:
    domain = Policies(data=str(file), demonstrations=count, holdout=holdout).fit()
    assert domain.summary().split("; ")[1] == f"{kept or 'none'} more for test"
    if not kept:
        with pytest.raises(UserError, match="no test demonstrations"):
            next(domain.batches("test", 0))
