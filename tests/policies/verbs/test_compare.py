"""Two policies are compared on the same starts under the same noise, each as it was asked for."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from small_policy import made

from becalm.errors import UserError
from becalm.plugin.report import Table
from becalm.sampler import DDIM
from becalm_policies.options import CompareOptions, EvaluateOptions
from becalm_policies.verbs.arms import again, arms
from becalm_policies.verbs.compare import run
from becalm_policies.verbs.evaluate import run as evaluate

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    return str(made(tmp_path))


COMMON: dict[str, Any] = {"steps": 2, "limit": 12, "device": "cpu", "episodes": 4}


def comparison(*policies: str, **fields: Any) -> Iterator[Any]:
    return run(CompareOptions.model_validate({"policies": policies, "repeats": 1, **COMMON, **fields}))


def tables(reports: Iterator[Any], count: int = 2) -> list[Table]:
    """The first tables of a verb, which is then closed: drawing takes longest."""
    found: list[Table] = []
    while len(found) < count:
        found += [each for each in [next(reports)] if isinstance(each, Table)]
    reports.close()  # type: ignore[attr-defined]
    return found


def episodes(folder: Path) -> list[dict[str, str]]:
    with (folder / "episodes.csv").open(newline="") as file:
        return [{**row, "becalm": ""} for row in csv.DictReader(file)]


# The comparison


def test_a_comparison_reports_each_policy_each_difference_and_a_control(checkpoint: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = list(comparison(checkpoint, f"{checkpoint}:steps=1", f"{checkpoint}:temperature=0", out=str(out)))
    scores, differences = (each for each in told if isinstance(each, Table))
    names = ["policy", "policy steps=1", "policy temperature=0"]
    assert [row[0] for row in scores.rows] == names
    assert scores.title == "becalm/Fork-v0, protocol gym, 4 matched starts"
    assert [row[scores.columns.index("calls per chunk")] for row in scores.rows] == [2, 1, 2]
    assert [row[:2] for row in differences.rows[:3]] == [
        ("policy steps=1", name) for name in ("success rate", "mean return", "mean max reward")
    ]
    lines = [each for each in told if isinstance(each, str)]
    assert len(lines) == 4 and lines[2].startswith("control: policy under other noise")
    with Image.open(out / "plot.png") as plot:
        assert plot.width > 500


def test_each_policy_plays_what_its_own_evaluation_plays(checkpoint: str, tmp_path: Path) -> None:
    both, alone = tmp_path / "both", tmp_path / "alone"
    tables(comparison(checkpoint, f"{checkpoint}:steps=1,execute=2", seed=3, out=str(both)))
    for name, fields in (("1", {}), ("2", {"steps": 1, "execute": 2})):
        settings = {**COMMON, **fields, "checkpoint": checkpoint, "seed": 3, "out": str(alone / name)}
        tables(evaluate(EvaluateOptions.model_validate(settings)), 1)
        assert episodes(both / name) == episodes(alone / name)
    # The control has the same starts, although its noise is another seed's.
    starts = [sorted(row["seed"] for row in episodes(both / name)) for name in ("1", "1-2")]
    assert starts[0] == starts[1] and episodes(both / "1") != episodes(both / "1-2")


def test_a_stopped_comparison_goes_on_where_it_was(checkpoint: str, tmp_path: Path) -> None:
    policies, whole, part = (checkpoint, f"{checkpoint}:steps=1"), tmp_path / "whole", tmp_path / "part"
    told = tables(comparison(*policies, out=str(whole), parallel=1))
    stopped = comparison(*policies, out=str(part), parallel=1)
    while not (part / "2" / "episodes.csv").exists() or len(episodes(part / "2")) < 2:
        next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    assert tables(comparison(*policies, out=str(part), parallel=1, resume=True))[1] == told[1]
    for name in ("1", "2", "1-2"):
        assert episodes(part / name) == episodes(whole / name)
    # Nothing is left to play.
    assert isinstance(next(comparison(*policies, out=str(part), resume=True)), Table)


def test_repeats_of_a_comparison_are_comparisons_of_later_seeds(checkpoint: str, tmp_path: Path) -> None:
    policies, out = (checkpoint, f"{checkpoint}:steps=1"), tmp_path / "out"
    scores, _ = tables(comparison(*policies, out=str(out), repeats=2, perturb=["noise=0.1"]))
    assert scores.title.endswith("perturbed: noise=0.1, 4 matched starts, 2 episodes of each")
    settings = {**COMMON, "perturb": ["noise=0.1"], "checkpoint": checkpoint, "seed": 1, "out": str(tmp_path / "one")}
    tables(evaluate(EvaluateOptions.model_validate(settings)), 1)
    one, found = ({row["episode"]: row for row in episodes(each)} for each in (tmp_path / "one", out / "1-2"))
    # gym's starts follow the seed, so episode 3 of seed 0 begins where episode 2 of seed 1 does; noise is by number.
    assert one["2"]["seed"] == found["3"]["seed"] and len(found) == 4
    assert {path.name for path in out.iterdir()} == {"1", "1-2", "2", "2-2"}


def test_a_policy_without_noise_is_played_once(checkpoint: str, tmp_path: Path) -> None:
    still, other = f"{checkpoint}:temperature=0", f"{checkpoint}:temperature=0,steps=1"
    scores, _ = tables(comparison(still, other, repeats=3, out=str(tmp_path / "still")))
    assert "episodes of each" not in scores.title
    both = comparison(still, checkpoint, repeats=2, out=str(tmp_path / "both"))
    scores, _ = tables(both)
    assert scores.title.endswith("2 episodes of each")
    assert {path.name for path in (tmp_path / "both").iterdir()} == {"1", "2", "2-2"}
    assert episodes(tmp_path / "both" / "1") == episodes(tmp_path / "still" / "1")


def test_a_policy_without_noise_has_no_control(checkpoint: str) -> None:
    told = list(comparison(f"{checkpoint}:temperature=0", f"{checkpoint}:steps=1"))
    assert "draws no noise" in next(each for each in told if isinstance(each, str))
    assert not any(each.startswith("control") for each in told if isinstance(each, str))


def test_the_command_prints_json(checkpoint: str, becalm: Run) -> None:
    words = (checkpoint, f"{checkpoint}:steps=1", "--episodes", 4, "--limit", 8, "--no-control", "--device", "cpu")
    code, out, err = becalm("compare", *words, "--json", "--quiet")
    assert (code, err) == (0, "")
    document = json.loads(out)
    row = document["tables"][1]["rows"][0]
    assert row["measure"] == "success rate" and {"p", "only_first", "only_it", "difference"} < row.keys()
    assert len(document["lines"]) == 1


# Policies by name


def test_settings_of_a_policy_stand_behind_its_name() -> None:
    asked = CompareOptions(
        policies=("a.safetensors", "b/a.safetensors:sampler=ddim,sampler.eta=0.5,times=1,0.5,execute=2"),
        temperature=0.5,
    )
    first, second = arms(asked)
    assert first.options.checkpoint == "a.safetensors" and first.options.temperature == 0.5
    options = second.options
    assert options.checkpoint == "b/a.safetensors" and options.temperature == 0.5
    assert options.sampler == DDIM(eta=0.5) and options.times == (1.0, 0.5) and options.execute == 2
    assert again(first, 1).options == first.options.model_copy(update={"seed": 1})


def test_files_of_one_name_are_told_apart() -> None:
    named = arms(CompareOptions(policies=("x/p.safetensors", "y/p.safetensors", "y/p.safetensors:steps=1")))
    assert [arm.name for arm in named] == ["x/p.safetensors", "y/p.safetensors", "p steps=1"]


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ((), "compare needs at least two policies, .* got 0; becalm policies baselines trains"),
        (("pusht",), "got 1; becalm policies baselines"),
        (("pusht", "pusht"), "pusht stands twice with the same settings"),
        (("pusht", "pusht:stepz=1"), "stepz is no setting .*steps"),
        (("pusht", "pusht:env=other"), "env is no setting"),
        (("pusht", "pusht:steps=0"), "steps must be greater than or equal to 1, got 0"),
        (("pusht", "nowhere"), "nowhere"),
        (("fork", "pusht"), "in one environment, got becalm/Fork-v0 for fork and gym_pusht/PushT-v0 for pusht"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(policies: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        list(run(CompareOptions(policies=policies, out=str(tmp_path / "out"))))
    assert not (tmp_path / "out").exists()


def test_a_flag_of_what_was_called_compare_says_where_it_is_now(refused: Any) -> None:
    says = "becalm: --methods is now a flag of another command: see becalm policies baselines --help\n"
    assert refused("compare", "--methods", "mse") == says
