"""Wrong input, as users of the command line meet it: one sentence, exit 2, and nothing is written."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scripted
import torch
import written

from becalm.checkpoint import Checkpoint
from becalm_policies.episodes import Episodes

Run = Callable[..., tuple[int, str, str]]
Interrupt = Callable[[Callable[[], bool]], None]
FORK = {"environment": "becalm/Fork-v0", "action_low": (-1.0, -1.0), "action_high": (1.0, 1.0)}
QUICK = ("--architecture", "mlp-tiny", "--batch", 8, "--device", "cpu", "--precision", "fp32")


def everything(folder: Path) -> dict[str, bytes | None]:
    """All files and folders with what they hold."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def refused(becalm: Run, tmp_path: Path) -> Callable[..., str]:
    """Runs the command, which must refuse in one sentence and write nothing; returns the sentence."""

    def run(*words: object) -> str:
        before = everything(tmp_path)
        code, out, err = becalm(*words)
        assert (code, out) == (2, ""), err
        assert err.startswith("becalm: ") and err.count("\n") == 1 and len(err) < 400
        assert "Traceback" not in err and "internal error" not in err
        assert everything(tmp_path) == before
        return err

    return run


def made(path: Path, observation: int = 2, action: int = 2, **fields: Any) -> Path:
    """A checkpoint of a policy, of the fork if nothing else is said."""
    file = path / "policy.safetensors"
    scripted.written(scripted.perceptron(scripted.plain(observation, action, **{**FORK, **fields})), file)
    return file


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The checkpoint with other settings."""
    checkpoint = Checkpoint.read(path)
    config = json.loads(json.dumps(checkpoint.config))
    change(config["settings"])
    Checkpoint(checkpoint.tensors, config).write(path)
    return path


# Environments


@pytest.mark.parametrize("verb", ["record", "evaluate", "compare"])
def test_an_environment_without_a_box_of_actions(refused: Callable[..., str], tmp_path: Path, verb: str) -> None:
    words: dict[str, tuple[object, ...]] = {
        "record": ("record", "--demonstrator", "random", "--out", "a.npz"),
        "evaluate": ("evaluate", made(tmp_path, environment=""), "--out", "a"),
        "compare": ("compare", "--out", "a.png"),
    }
    says = refused(*words[verb], "--env", "CartPole-v1")
    assert "actions of environment CartPole-v1 must be a Box of floats, got Discrete" in says


@pytest.mark.parametrize("verb", ["record", "evaluate", "compare"])
def test_an_environment_that_is_unknown(refused: Callable[..., str], tmp_path: Path, verb: str) -> None:
    words: dict[str, tuple[object, ...]] = {
        "record": ("record", "--demonstrator", "random", "--out", "a.npz"),
        "evaluate": ("evaluate", made(tmp_path, environment=""), "--out", "a"),
        "compare": ("compare", "--out", "a.png"),
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
    says = refused("compare", "--env", "becalm/Fork-v0", "--data", demonstrations, "--out", "a.png")
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


# Demonstrations


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["observations", "actions", "rewards"])
def test_numbers_of_a_store_that_are_not_finite(
    refused: Callable[..., str], tmp_path: Path, name: str, value: float
) -> None:
    path = written.store(tmp_path, written.small())
    with np.load(path) as file:
        arrays = dict(file)
    arrays[name].reshape(20, -1)[13, 0] = value
    np.savez(path, **arrays)
    for words in (("inspect", path, "--out", "a.png"), ("train", *QUICK, "--data", path, "--out", "a.safetensors")):
        assert f"{name} must be finite, but step 13 is not" in refused(*words)


@pytest.fixture
def minari_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))


@pytest.mark.usefixtures("minari_root")
@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("kind", written.FORMATS)
def test_a_file_cut_short(refused: Callable[..., str], tmp_path: Path, kind: str, share: float) -> None:
    path = written.FORMATS[kind](tmp_path, written.small())
    files = [path] if path.is_file() else sorted(part for part in path.rglob("*") if part.is_file())
    largest = max(files, key=lambda file: file.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(content[: int(share * len(content))])
    assert str(tmp_path) in refused("inspect", path, "--out", "a.png")
    refused("train", *QUICK, "--data", path, "--out", "a.safetensors")


@pytest.mark.parametrize("name", ["a.npz", "a.hdf5", "a.zarr.zip", "a", "a.zarr"])
def test_an_empty_file_or_folder(refused: Callable[..., str], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix in (".npz", ".hdf5", ".zip"):
        path.write_bytes(b"")
    else:
        path.mkdir()
    assert str(path) in refused("inspect", path, "--out", "a.png")
    assert str(path) in refused("train", *QUICK, "--data", path, "--out", "a.safetensors")


def test_an_empty_recording_is_not_gone_on_with(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"")
    words = ("record", "--env", "becalm/Fork-v0", "--demonstrator", "expert", "--out", "a.npz")
    assert "a.npz exists" in refused(*words)
    assert "a.npz is damaged" in refused(*words, "--resume")


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_checkpoint_cut_short(refused: Callable[..., str], tmp_path: Path, share: float) -> None:
    file = made(tmp_path)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "cut short" in refused("evaluate", file, "--out", "a")
    assert "cut short" in refused("sample", "--checkpoint", file, "--out", "a.png")


def test_there_is_no_such_file(refused: Callable[..., str]) -> None:
    assert "there are no demonstrations 'pusth'" in refused("inspect", "pusth", "--out", "a.png")
    assert "did you mean 'pusht'?" in refused("train", *QUICK, "--data", "pusth", "--out", "a.safetensors")
    assert "did you mean 'lander'?" in refused("evaluate", "landr", "--out", "a")


# Choices


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("compare", "--methods", "mse,flw", "--out", "a.png"), "unknown method 'flw'"),
        (("evaluate", "POLICY", "--protocol", "qi", "--out", "a"), "--protocol must be 'chi', 'lerobot' or 'gym'"),
        (("evaluate", "POLICY", "--protocol", "chi", "--out", "a"), "protocol chi is for gym_pusht/PushT-v0"),
        (("evaluate", "POLICY", "--sampler", "rk4", "--out", "a"), "--sampler must be 'ddpm', "),
        (("sample", "--checkpoint", "POLICY", "--sampler", "rk4", "--out", "a.png"), "--sampler must be 'ddpm', "),
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
@pytest.mark.parametrize("verb", ["inspect", "compare", "record", "sample", "train"])
def test_a_place_that_takes_no_file(
    refused: Callable[..., str], tmp_path: Path, demonstrations: Path, verb: str, place: str
) -> None:
    words: dict[str, tuple[object, ...]] = {
        "inspect": ("inspect", demonstrations),
        "compare": ("compare", "--env", "becalm/Fork-v0", "--demonstrations", 2, "--steps", 1, "--episodes", 1),
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


# Ctrl-C


def test_a_training_that_is_stopped_goes_on_to_the_same_bits(
    becalm: Run, interrupt: Interrupt, demonstrations: Path, tmp_path: Path
) -> None:
    # At a constant rate no step depends on how many are asked for, so the training can be as long as it takes.
    words = ["train", *QUICK, "--data", demonstrations, "--decay", "constant", "--warmup", 5]
    out = tmp_path / "a.safetensors"
    interrupt(out.exists)
    code, printed, err = becalm(*words, "--steps", 100_000, "--every", 10, "--out", out)
    stopped = Checkpoint.read(out).config["step"]
    assert (code, printed) == (130, "")
    assert (
        err == f"becalm: saved {out} at step {stopped} of 100000; becalm policies train --resume --out {out} goes on\n"
    )
    assert becalm("train", "--resume", "--steps", stopped + 15, "--device", "cpu", "--out", out)[0] == 0
    assert becalm(*words, "--steps", stopped + 15, "--out", "whole.safetensors")[0] == 0
    for name in ("safetensors", "resume.safetensors"):
        one, two = (Checkpoint.read(tmp_path / f"{stem}.{name}") for stem in ("a", "whole"))
        assert one.tensors.keys() == two.tensors.keys()
        assert all(torch.equal(one.tensors[key], two.tensors[key]) for key in one.tensors)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_evaluation_that_is_stopped_goes_on_to_the_same_episodes(
    becalm: Run, interrupt: Interrupt, tmp_path: Path
) -> None:
    words = ["evaluate", made(tmp_path), "--steps", 1, "--limit", 8, "--parallel", 1, "--video", "none"]
    words += ["--device", "cpu"]
    table = tmp_path / "a" / "episodes.csv"

    def played() -> int:
        return table.read_text().count("\n") - 1 if table.exists() else 0

    interrupt(lambda: played() > 1)
    assert becalm(*words, "--episodes", 100_000, "--out", "a") == (
        130,
        "",
        "becalm: stopped; with --out, the same command with --resume goes on\n",
    )
    count = played() + 2
    assert becalm(*words, "--episodes", count, "--out", "a", "--resume")[0] == 0
    assert becalm(*words, "--episodes", count, "--out", "whole")[0] == 0
    for name in ("settings.json", "episodes.jsonl", "episodes.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_recording_that_is_stopped_goes_on_to_the_same_episodes(
    becalm: Run, interrupt: Interrupt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "spinning.py").write_text(
        "from itertools import count\nfrom pathlib import Path\ncalls = count()\n"
        "def spin(observation):\n    if next(calls) == 40:\n        Path('begun').touch()\n    return observation[:1]\n"
    )
    words = ["record", "--env", "Pendulum-v1", "--demonstrator", "spinning:spin", "--limit", 5]
    interrupt((tmp_path / "begun").exists)
    code, _, err = becalm(*words, "--episodes", 100_000, "--out", "a.npz")
    assert (code, err) == (130, "becalm: stopped; with an .npz, the same command with --resume goes on\n")
    kept = len(Episodes.read(tmp_path / "a.npz"))
    assert 8 <= kept < 100_000
    assert becalm(*words, "--episodes", kept + 2, "--out", "a.npz", "--resume")[0] == 0
    assert becalm(*words, "--episodes", kept + 2, "--out", "whole.npz")[0] == 0
    one, two = (Episodes.read(tmp_path / f"{name}.npz") for name in ("a", "whole"))
    for name in ("observations", "actions", "rewards", "ends"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert one.spec == two.spec
