"""Wrong input, as users of the command line meet it: one sentence, exit 2, and nothing is written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_policy import QUICK, made

from becalm.files.checkpoint import Checkpoint


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The checkpoint with other settings."""
    checkpoint = Checkpoint.read(path)
    config = json.loads(json.dumps(checkpoint.config))
    change(config["settings"])
    Checkpoint(checkpoint.tensors, config).write(path)
    return path


# Environments


@pytest.mark.parametrize("verb", ["record", "evaluate", "baselines"])
def test_an_environment_without_a_box_of_actions(refused: Callable[..., str], tmp_path: Path, verb: str) -> None:
    words: dict[str, tuple[object, ...]] = {
        "record": ("record", "--demonstrator", "random", "--out", "a.npz"),
        "evaluate": ("evaluate", made(tmp_path, environment=""), "--out", "a"),
        "baselines": ("baselines", "--out", "a.png"),
    }
    says = refused(*words[verb], "--env", "CartPole-v1")
    assert "actions of environment CartPole-v1 must be a Box of floats, got Discrete" in says


@pytest.mark.parametrize("verb", ["record", "evaluate", "baselines"])
def test_an_environment_that_is_unknown(refused: Callable[..., str], tmp_path: Path, verb: str) -> None:
    words: dict[str, tuple[object, ...]] = {
        "record": ("record", "--demonstrator", "random", "--out", "a.npz"),
        "evaluate": ("evaluate", made(tmp_path, environment=""), "--out", "a"),
        "baselines": ("baselines", "--out", "a.png"),
    }
    assert "did you mean 'becalm/Fork-v0'?" in refused(*words[verb], "--env", "becalm/Frok-v0")


def test_a_policy_in_another_environment(refused: Callable[..., str], tmp_path: Path) -> None:
    says = refused("evaluate", made(tmp_path), "--env", "Pendulum-v1", "--out", "a")
    assert "is a policy for becalm/Fork-v0, not for Pendulum-v1" in says


def test_demonstrations_of_another_environment(refused: Callable[..., str], demonstrations: Path) -> None:
    says = refused(
        "train", *QUICK, "--data", demonstrations, "--environment", "LunarLander-v3", "--out", "a.safetensors"
    )
    assert "the demonstrations are of gym_pusht/PushT-v0, not of LunarLander-v3" in says
    says = refused("baselines", "--env", "becalm/Fork-v0", "--data", demonstrations, "--out", "a.png")
    assert "the demonstrations are of gym_pusht/PushT-v0, not of becalm/Fork-v0" in says


# Sizes and statistics


@pytest.mark.parametrize(("observation", "action"), [(3, 2), (2, 1), (4, 3)])
def test_a_policy_of_other_dimensions(
    refused: Callable[..., str], tmp_path: Path, observation: int, action: int
) -> None:
    file = made(tmp_path, observation, action, environment="", action_low=None, action_high=None)
    says = refused("evaluate", file, "--env", "becalm/Fork-v0", "--out", "a")
    assert f"has observations of {observation} and actions of {action} entries" in says
    assert "environment becalm/Fork-v0 has 2 and 2" in says


@pytest.mark.parametrize("given", ["1", "1,2,3"])
def test_an_observation_of_another_dimension(refused: Callable[..., str], tmp_path: Path, given: str) -> None:
    says = refused("sample", "--checkpoint", made(tmp_path), "--observation", given, "--out", "a.png")
    assert f"observation must have 2 entries, got {given.count(',') + 1}" in says


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda settings: settings.update(statistics=None), "no normaliser statistics"),
        (lambda settings: settings["statistics"].pop("feature_low"), "statistics.feature_low is missing"),
        (lambda settings: settings["statistics"].pop("action_scale"), "statistics.action_scale is missing"),
        (lambda settings: settings["statistics"].update(feature_low=[0.0]), "statistics.feature_low must have 2 "),
        (lambda settings: settings["statistics"].update(observation_high=[0.0] * 3), "observation_high must have 2 "),
        (lambda settings: settings["statistics"].update(action_shift=[[0.0]]), "action_shift must have "),
        (lambda settings: settings.update(action_low=[-1.0]), "action_low must have 2 "),
    ],
)
def test_statistics_that_are_missing_or_of_another_size(
    refused: Callable[..., str], tmp_path: Path, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    file = changed(made(tmp_path), change)
    assert reason in refused("evaluate", file, "--out", "a")
    assert reason in refused("sample", "--checkpoint", file, "--observation", "0,0", "--out", "a.png")


@pytest.mark.parametrize(
    ("avoid", "sizes"), [("0,0,1", (2, 1)), ("0,0", (2, 2)), ("0,0,-1", (2, 2)), ("0,0,nan", (2, 2))]
)
@pytest.mark.parametrize("verb", ["sample", "evaluate"])
def test_a_region_to_avoid_that_is_no_disc_in_a_plane(
    refused: Callable[..., str], tmp_path: Path, verb: str, avoid: str, sizes: tuple[int, int]
) -> None:
    file = made(tmp_path, *sizes, action_low=None, action_high=None, environment="")
    if verb == "sample":
        says = refused("sample", "--checkpoint", file, "--observation", "0,0", "--avoid", avoid, "--out", "a.png")
    else:
        says = refused("evaluate", file, "--env", "becalm/Fork-v0", "--avoid", avoid, "--out", "a")
    assert "avoid" in says


def test_bounds_that_nobody_knows(refused: Callable[..., str], tmp_path: Path) -> None:
    file = made(tmp_path, action_low=None, action_high=None)
    says = refused("sample", "--checkpoint", file, "--observation", "0,0", "--bounds-scale", 1, "--out", "a.png")
    assert "bounds_scale needs action bounds" in says


# Choices


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("baselines", "--methods", "mse,flw", "--out", "a.png"), "unknown method 'flw'"),
        (("evaluate", "POLICY", "--protocol", "qi", "--out", "a"), "--protocol must be 'chi', 'lerobot' or 'gym'"),
        (("evaluate", "POLICY", "--protocol", "chi", "--out", "a"), "protocol chi is for gym_pusht/PushT-v0"),
        (("evaluate", "POLICY", "--sampler", "rk4", "--out", "a"), "--sampler must be one of 'consistency', 'ddim', "),
        (("sample", "--checkpoint", "POLICY", "--sampler", "rk4", "--out", "a.png"), "must be one of 'consistency', "),
        (("evaluate", "POLICY", "--choose", "best", "--out", "a"), "choose best needs a score"),
        (("evaluate", "POLICY", "--choose", "worst", "--out", "a"), "--choose must be 'first', 'densest' or 'best'"),
        (("evaluate", "POLICY", "--execute", "6", "--out", "a"), "execute must be at most "),
        (("evaluate", "POLICY", "--execute", "0", "--out", "a"), "--execute must be greater than or equal to 1"),
        (("evaluate", "POLICY", "--times", "0.1,1", "--out", "a"), "times must descend"),
        (("evaluate", "POLICY", "--video", "avi", "--out", "a"), "--video must be 'gif', 'mp4' or 'none'"),
        (("evaluate", "POLICY", "--resume"), "--resume needs the --out folder"),
        (("train", *QUICK, "--data", "DATA", "--architecture", "mlp-tinny", "--out", "a.safetensors"), "'mlp-tiny'?"),
        (("train", *QUICK, "--data", "DATA", "--execute", 16, "--out", "a.safetensors"), "must be at most horizon"),
        (("train", *QUICK, "--data", "DATA", "--relative", "0,9", "--out", "a.safetensors"), "got [0, 9]"),
    ],
)  # fmt: skip
def test_a_choice_that_there_is_not(
    refused: Callable[..., str], tmp_path: Path, demonstrations: Path, words: tuple[object, ...], reason: str
) -> None:
    known: dict[object, object] = {"POLICY": made(tmp_path), "DATA": demonstrations}
    assert reason in refused(*(known.get(word, word) for word in words))


# Places


@pytest.mark.parametrize("place", ["a folder", "no folder", "another suffix"])
@pytest.mark.parametrize("verb", ["inspect", "baselines", "record", "sample", "train"])
def test_a_place_that_takes_no_file(
    refused: Callable[..., str], tmp_path: Path, demonstrations: Path, verb: str, place: str
) -> None:
    words: dict[str, tuple[object, ...]] = {
        "inspect": ("inspect", demonstrations),
        "baselines": ("baselines", "--env", "becalm/Fork-v0", "--demonstrations", 2, "--steps", 1, "--episodes", 1),
        "record": ("record", "--env", "becalm/Fork-v0", "--demonstrator", "expert", "--episodes", 1),
        "sample": ("sample", "--checkpoint", made(tmp_path), "--observation", "0,0"),
        "train": ("train", *QUICK, "--data", demonstrations, "--steps", 1),
    }
    suffix = {"record": ".npz", "train": ".safetensors"}.get(verb, ".png")
    # Superusers may write wherever a folder is one.
    places = {"a folder": tmp_path / f"taken{suffix}", "no folder": demonstrations / f"a{suffix}"}
    (tmp_path / f"taken{suffix}").mkdir()
    says = refused(*words[verb], "--out", places.get(place, tmp_path / "a.txt"))
    assert "a.txt" in says or "taken" in says or str(demonstrations) in says


def test_a_place_that_takes_no_folder(refused: Callable[..., str], tmp_path: Path) -> None:
    file = made(tmp_path)
    for place in (file, file / "a"):
        assert f"cannot write {place}" in refused("evaluate", file, "--episodes", 1, "--limit", 1, "--out", place)
