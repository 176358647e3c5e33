"""An environment of one's own is recorded, trained for and evaluated, by its module or without it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pushing import pushing
from small_policy import QUICK, made

from becalm.errors import UserError
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.domain import Policies
from becalm_policies.environments.make import make
from becalm_policies.environments.own import id_of
from becalm_policies.formats import read

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("kind", ["box", "dict"])
def test_what_is_recorded_can_be_trained_and_what_is_trained_evaluated(becalm: Run, tmp_path: Path, kind: str) -> None:
    def done(*words: object) -> None:
        code, _, err = becalm(*words, "--quiet")
        assert code == 0, err

    named = f"reaching:reaching/{kind}-v0"
    done("record", "--env", named, "--demonstrator", "reaching:go", "--episodes", 6, "--out", "own.npz")
    stored = Episodes.read(tmp_path / "own.npz")
    assert stored.environment == f"reaching/{kind}-v0" and stored.observations.shape[1] == 4
    # By its module or without it, and as the demonstrations say.
    words = {"box": ("--environment", named), "dict": ()}[kind]
    done("train", *QUICK, "--data", "own.npz", *words, "--steps", 1, "--no-tracking", "--out", "own.safetensors")
    done("evaluate", "own.safetensors", "--env", named, "--episodes", 2, "--limit", 3, "--steps", 1)


@pytest.mark.parametrize("environment", ["", "reaching/box-v0", "reaching:reaching/box-v0"])
def test_a_policy_knows_its_environment_by_the_id_alone(tmp_path: Path, environment: str) -> None:
    stored = replace(pushing(), environment="reaching/box-v0")
    stored.write(tmp_path / "own.npz")
    domain = Policies(data=str(tmp_path / "own.npz"), environment=environment, horizon=4, execute=2).fit()
    assert domain.environment == "reaching/box-v0"
    assert Policies.model_validate({**domain.model_dump(), "environment": environment}).environment in (
        "", "reaching/box-v0"
    )  # fmt: skip


def test_a_dict_is_recorded_as_one_vector_whose_entries_have_names(becalm: Run, tmp_path: Path) -> None:
    words = ("record", "--env", "reaching:reaching/dict-v0", "--demonstrator", "random", "--episodes", 1)
    assert becalm(*words, "--out", "own.hdf5", "--limit", 4)[0] == 0
    names = ["desired_goal[0]", "desired_goal[1]", "observation[0]", "observation[1]"]
    assert read(tmp_path / "own.hdf5").names("observation") == names


def test_recordings_from_before_hold_the_module_and_go_on(becalm: Run, tmp_path: Path) -> None:
    words = ("record", "--env", "reaching:reaching/box-v0", "--demonstrator", "reaching:go", "--out", "own.npz")
    assert becalm(*words, "--episodes", 2)[0] == 0
    before = replace(Episodes.read(tmp_path / "own.npz"), environment="reaching:reaching/box-v0")
    before.write(tmp_path / "own.npz")
    assert becalm(*words, "--episodes", 3, "--resume")[0] == 0


def test_a_class_needs_no_registration() -> None:
    env = make("reaching:Reaching", imports=True)
    assert env.spec.id == id_of("reaching:Reaching") == "Reaching"
    assert env.reset(seed=0)[0].shape == (4,)


def test_a_wrapper_that_takes_scores_has_choices_for_actions() -> None:
    env = make("reaching:Choosing", imports=True)
    env.reset(seed=0)
    right, _ = env.step(np.array([0.1, 0.7], np.float32))[:2]
    assert right[1] > 0 and env.action_space.shape == (2,)


def test_a_module_may_stand_in_the_current_folder(becalm: Run, tmp_path: Path) -> None:
    (tmp_path / "homemade.py").write_text("from reaching import Reaching\nclass Home(Reaching): pass\n")
    words = ("record", "--env", "homemade:Home", "--demonstrator", "random", "--episodes", 1, "--limit", 2)
    assert becalm(*words, "--out", "own.npz")[0] == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_such_module:Own-v0", "there is no module 'no_such_module' here or installed"),
        ("reaching:reaching/cube-v0", "did you mean 'reaching/"),
        ("reaching:go", "unknown environment 'go'"),
    ],
)
def test_what_no_module_has_is_one_sentence(name: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        make(name, imports=True)


def test_an_environment_that_nobody_registered_names_the_way() -> None:
    with pytest.raises(UserError, match="named with its module, as in module:mine/Special-v0"):
        make("mine/Special-v0")


def test_a_file_never_has_a_module_imported(becalm: Run, tmp_path: Path) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')\n")
    code, _, err = becalm("evaluate", made(tmp_path, environment="trap:nobody/Knows-v0"), "--episodes", 1)
    assert code == 2 and "unknown environment 'nobody/Knows-v0'" in err
