"""A policy that sees: from a store with pictures to a checkpoint that acts on them."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scripted
import torch
from seeing import SIZE, SMALL, domain, marked, pointing

from becalm import UserError
from becalm.model import Model
from becalm.model import load as load_model
from becalm.objective import Denoising
from becalm.schedule import Flow
from becalm.testing import check_domain
from becalm.train import Training, begin, train
from becalm_policies.control.policy import load, policy
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.prepare import prepare
from becalm_policies.domain import Policies

LOOKING: list[dict[str, Any]] = [
    {},
    {"hidden": (2,)},
    {"vision": {**SMALL["vision"], "frames": 2}},
    {"vision": {"kind": "resnet", "keypoints": 4, "shared": True, "cropped": (13, 24)}, "hidden": (2,)},
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    pointing(cameras=("image", "wrist")).write(tmp_path / "store.npz")
    return tmp_path / "store.npz"


@pytest.mark.parametrize("settings", LOOKING)
def test_policies_that_see_keep_the_contract(store: Path, settings: dict[str, Any]) -> None:
    check_domain(domain(store, **settings))


def test_a_batch_has_the_pictures_of_its_steps(store: Path) -> None:
    policies = domain(store, hidden=(2,), cameras=("wrist",))
    episodes = pointing(cameras=("image", "wrist"))
    batch = next(policies.batches("train", 0))
    steps = [int(np.abs(episodes.observations[:, 0] - value).argmin()) for value in observed(policies, batch.cond)]
    expected = torch.from_numpy(episodes.cameras["wrist"][np.array(steps)]).permute(0, 3, 1, 2)
    assert list(batch.cond.cameras) == ["wrist"]
    assert torch.equal(batch.cond.cameras["wrist"][:, -1], expected)
    torch.testing.assert_close(batch.cond.hidden[:, -1, 2], scaled(episodes.observations[:, 2])[steps])


def observed(policies: Policies, cond: Any) -> list[float]:
    """The newest first entries in the data's own units."""
    low, high = (getattr(policies.statistics, f"observation_{end}")[0] for end in ("low", "high"))
    return ((cond.features[:, -1, 0] + 1) / 2 * (high - low) + low).tolist()


def scaled(values: Any) -> torch.Tensor:
    return torch.from_numpy((values - values.min()) / (values.max() - values.min()) * 2 - 1).float()


def test_acting_alone_and_among_others_is_the_same_and_pictures_count(store: Path, tmp_path: Path) -> None:
    file = scripted.written(scripted.perceptron(domain(store, hidden=(2,))), tmp_path / "policy.safetensors")
    acting = load(file, device="cpu", temperature=0.0)
    pictures = {name: marked([-0.5, 0.5], seed=3) for name in ("image", "wrist")}
    together = acting.act({"state": np.zeros((2, 2)), **pictures})
    for row in (0, 1):
        acting.reset(numbers=[row])
        one = acting.act({"state": np.zeros(2), **{name: each[row] for name, each in pictures.items()}})
        np.testing.assert_allclose(one, together[row], atol=1e-6)
    assert abs(float(together[0, 0] - together[1, 0])) > 1e-5


def test_lerobots_names_and_nested_ones_are_those_of_the_cameras(store: Path) -> None:
    acting = policy(scripted.perceptron(domain(store, hidden=(2,))), temperature=0.0)
    first, second = marked([0.3, -0.3])
    vector = np.array([0.1, 0.2])
    ways: list[dict[str, Any]] = [
        {"state": vector, "image": first, "wrist": second},
        {"observation.state": vector, "observation.images.image": first, "observation.images.wrist": second},
        {"agent": {"a": vector[:1], "b": vector[1:]}, "images": {"image": first, "wrist": second}},
        {"agent_pos": vector, "pixels": {"image": first, "wrist": second}},
    ]
    acted = []
    for way in ways:
        acting.reset(numbers=[0])
        acted.append(acting.act(way))
    assert all(np.array_equal(acted[0], other) for other in acted[1:])


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        (np.zeros(2), "must be a dict with the pictures of image, wrist"),
        ({"state": np.zeros(2), "image": marked([0])[0]}, "picture of camera wrist, its pictures are image"),
        ({"image": marked([0])[0], "wrist": marked([0])[0]}, "a vector of numbers beside its pictures"),
        ({"state": np.zeros(2), "image": marked([0])[0], "wrist": marked([0], (8, 8))[0]}, r"wrist must be uint8"),
    ],
)
def test_an_observation_that_lacks_something_is_refused_before_it_is_kept(
    store: Path, observation: Any, words: str
) -> None:
    acting = policy(scripted.perceptron(domain(store, hidden=(2,))))
    with pytest.raises(UserError, match=words):
        acting.act(observation)


def test_wrong_settings_are_refused_in_a_sentence(store: Path) -> None:
    with pytest.raises(UserError, match="cameras of the demonstrations, image, wrist, got 'top'"):
        domain(store, cameras=("top",))
    with pytest.raises(UserError, match="hidden must name observed entries, 0 to 2, got 3"):
        domain(store, hidden=(3,))
    with pytest.raises(UserError, match="moves states and not their pictures"):
        prepare(pointing(), ("pusht_mirror",))


def test_a_checkpoint_shows_and_samples_for_the_pictures_that_it_keeps(store: Path, tmp_path: Path) -> None:
    model = scripted.perceptron(domain(store, hidden=(2,)))
    loaded = load_model(scripted.written(model, tmp_path / "policy.safetensors"), "cpu")
    again = loaded.sample(count=2, example=3, seed=1)
    assert torch.equal(again.data, model.sample(count=2, example=3, seed=1).data)
    kept = model.domain.example_pictures(3, 1)["image"]
    assert kept.shape == (1, 1, *SIZE, 3) and kept.max() > 200


def test_a_policy_learns_from_pictures_what_stands_in_nothing_else(tmp_path: Path) -> None:
    pointing(count=24, steps=8).write(tmp_path / "store.npz")
    settings = {"history": 1, "horizon": 1, "execute": 1, "hidden": (2,), "batch": 32}
    vision = {"widths": (8, 16), "patch": 2, "keypoints": 8, "told": 32}
    policies = domain(tmp_path / "store.npz", vision=vision, **settings)
    training = Training(steps=150, rate=4e-3, warmup=20, ema=0.9, precision="fp32")
    state = begin(policies, Flow(), Denoising(prediction="flow", drop=0, penalty=1), training, torch.device("cpu"))
    for _ in train(state):
        pass
    state.network.load_state_dict(state.averaged())
    network = state.network.eval()
    model = Model(policies, Flow(), state.objective, network, state.codec, state.device, {})
    acting = policy(model, temperature=0.0, steps=4)
    places = np.linspace(-0.7, 0.7, 8)
    acted = acting.act({"state": np.zeros((8, 2)), "image": marked(places, seed=9)})[:, 0]
    assert np.abs(acted - places).mean() < 0.15


def test_training_is_a_function_of_seed_and_number_with_random_crops_too(store: Path) -> None:
    policies = domain(store)
    assert [batch.size for batch in islice(policies.batches("train", 0), 2)] == [8, 8]
    losses = []
    for _ in range(2):
        state = begin(
            policies,
            Flow(),
            Denoising(prediction="flow", drop=0.1),
            Training(steps=3, precision="fp32"),
            torch.device("cpu"),
        )
        losses.append([float(step.loss) for step in train(state)])
    assert losses[0] == losses[1]


def test_what_is_recorded_with_pictures_is_trained_and_evaluated(becalm: Any) -> None:
    asked = ("--env", "becalm/Fork-v0", "--demonstrator", "expert", "--pixels", 16, "--limit", 12)
    code, _, said = becalm("record", *asked, "--episodes", 2, "--out", "fork.npz")
    assert code == 0, said
    code, _, said = becalm("record", *asked, "--episodes", 3, "--out", "fork.npz", "--resume")
    assert code == 0, said
    code, _, said = becalm("record", *asked, "--episodes", 3, "--out", "once.npz")
    resumed, once = (Episodes.read(Path(name)) for name in ("fork.npz", "once.npz"))
    steps = np.arange(len(once.actions))
    assert np.array_equal(resumed.cameras["image"][steps], once.cameras["image"][steps])
    assert once.cameras["image"].size == (16, 16) and len(np.unique(once.cameras["image"][steps], axis=0)) > 10
    small = ("--vision.widths", "8", "--vision.keypoints", 4, "--architecture", "mlp-tiny", "--batch", 8)
    code, _, said = becalm(
        "train", "--data", "fork.npz", *small, "--steps", 2, "--device", "cpu", "--no-preview", "--out", "p.safetensors"
    )
    assert code == 0, said
    code, printed, said = becalm(
        "evaluate", "p.safetensors", "--episodes", 2, "--limit", 3, "--out", "seen", "--steps", 1
    )
    assert code == 0, said
    assert "mean return" in printed and (Path("seen") / "best.gif").exists()


def test_pictures_are_recorded_into_a_store_of_ours_alone(becalm: Any) -> None:
    asked = ("--env", "becalm/Fork-v0", "--demonstrator", "expert", "--pixels", 16, "--out", "fork-v0")
    code, _, said = becalm("record", *asked)
    assert code == 2 and "--pixels needs an --out that ends in .npz" in said
