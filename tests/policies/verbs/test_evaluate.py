"""An evaluation reports every figure, keeps its episodes on disk, and goes on where it was stopped."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from scripted import perceptron, plain, written

from becalm.errors import UserError
from becalm.plugin.report import Progress, Table
from becalm_policies.options import EvaluateOptions
from becalm_policies.rollouts.journal import COLUMNS
from becalm_policies.verbs.evaluate import run


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    domain = plain(2, 2, environment="becalm/Fork-v0", action_low=(-1.0, -1.0), action_high=(1.0, 1.0))
    return written(perceptron(domain), tmp_path / "fork.safetensors")


def reports(checkpoint: str, **fields: Any) -> Iterator[Any]:
    return run(EvaluateOptions(**{"checkpoint": checkpoint, "steps": 2, "limit": 12, "device": "cpu", **fields}))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "episodes.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_an_evaluation_reports_scores_and_costs_beside_what_others_reach(checkpoint: str) -> None:
    told = list(reports(checkpoint, episodes=5, parallel=2))
    scores, costs = (each for each in told if isinstance(each, Table))
    assert scores.title == "becalm/Fork-v0, protocol gym, 5 episodes"
    assert scores.columns[:4] == ("figure", "policy", "95 % from", "to") and "random" in scores.columns
    assert [row[0] for row in scores.rows][:3] == ["mean max reward", "success rate", "mean return"]
    assert any(row[0] == "share crash" for row in scores.rows)
    assert costs.title == "2 network calls per chunk" and len(costs.rows) == 3
    steps = [each for each in told if isinstance(each, Progress)]
    assert steps[-1].done == steps[-1].total == 5


@pytest.mark.parametrize(("fields", "calls"), [({"extra": 3}, 5), ({"times": (1.0, 0.5, 0.1)}, 3), ({"warm": 0.5}, 1)])
def test_network_calls_are_counted(checkpoint: str, fields: dict[str, Any], calls: int) -> None:
    _, costs = (each for each in reports(checkpoint, episodes=1, **fields) if isinstance(each, Table))
    assert costs.title == f"{calls} network calls per chunk"


def test_a_delay_is_a_setting_and_seams_are_judged(checkpoint: str, tmp_path: Path) -> None:
    def played(**fields: Any) -> dict[str, Any]:
        scores = next(each for each in reports(checkpoint, episodes=3, **fields) if isinstance(each, Table))
        return {row[0]: row[1] for row in scores.rows}

    name = "jerk at seams, times that within chunks"
    at_once, late = played(execute=4), played(execute=4, delay=1)
    assert at_once[name] > 0 and late[name] > 0 and late != at_once
    assert name not in played(ensemble=0.1)
    # Evaluations from before there were delays go on.
    list(reports(checkpoint, episodes=1, out=str(tmp_path / "out"), video="none"))
    assert not {"delay", "skip", "join", "blend"} & json.loads((tmp_path / "out" / "settings.json").read_text()).keys()


def test_the_folder_holds_the_episodes_a_plot_and_films(checkpoint: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    list(reports(checkpoint, episodes=3, out=str(folder)))
    assert tuple(rows(folder)[0]) == (*COLUMNS, "becalm")
    assert {row["episode"] for row in rows(folder)} == {"0", "1", "2"}
    with Image.open(folder / "plot.png") as plot:
        assert plot.width > 500
    lengths = {row["episode"]: int(row["steps"]) for row in rows(folder)}
    for name in ("best", "median", "worst"):
        with Image.open(folder / f"{name}.gif") as animation:
            assert 1 <= getattr(animation, "n_frames", 1) <= max(lengths.values()) + 1


def test_a_stopped_evaluation_goes_on_where_it_was(checkpoint: str, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    list(reports(checkpoint, episodes=5, out=str(whole), video="none", parallel=1))
    stopped = reports(checkpoint, episodes=5, out=str(part), video="none", parallel=1)
    while not (part / "episodes.csv").exists() or len(rows(part)) < 2:
        next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    with (part / "episodes.jsonl").open("a") as file:
        file.write('{"episode": 2, "cut sh')  # As a kill leaves it.
    told = list(reports(checkpoint, episodes=5, out=str(part), video="none", parallel=1, resume=True))
    assert next(each.done for each in told if isinstance(each, Progress)) <= 3
    assert (part / "episodes.csv").read_text() == (whole / "episodes.csv").read_text()
    assert (part / "episodes.jsonl").read_text() == (whole / "episodes.jsonl").read_text()
    # Of a finished one nothing is left but the report; a larger one goes on.
    again = list(reports(checkpoint, episodes=5, out=str(part), video="none", resume=True))
    assert next(each for each in again if isinstance(each, Table)) == next(
        each for each in told if isinstance(each, Table)
    )
    list(reports(checkpoint, episodes=6, out=str(part), video="none", resume=True))
    assert [row["episode"] for row in rows(part)] == ["0", "1", "2", "3", "4", "5"]


def test_episodes_in_parts_are_those_of_one_evaluation(checkpoint: str, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    list(reports(checkpoint, episodes=4, out=str(whole), video="none"))
    list(reports(checkpoint, first=2, episodes=2, out=str(part), video="none"))
    found, wanted = ({row["episode"]: {**row, "becalm": ""} for row in rows(folder)} for folder in (part, whole))
    assert found == {number: wanted[number] for number in ("2", "3")}


def test_only_the_same_evaluation_is_resumed(checkpoint: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    list(reports(checkpoint, episodes=1, out=str(folder), video="none"))
    before = (folder / "episodes.jsonl").read_text()
    with pytest.raises(UserError, match="already holds an evaluation"):
        list(reports(checkpoint, episodes=1, out=str(folder)))
    with pytest.raises(UserError, match="has steps 2, not 3"):
        list(reports(checkpoint, episodes=1, out=str(folder), steps=3, resume=True))
    with pytest.raises(UserError, match="there is no evaluation in .* to resume"):
        list(reports(checkpoint, episodes=1, out=str(tmp_path / "none"), resume=True))
    (folder / "settings.json").write_text("{")
    with pytest.raises(UserError, match="is damaged and cannot be resumed"):
        list(reports(checkpoint, episodes=1, out=str(folder), resume=True))
    assert (folder / "episodes.jsonl").read_text() == before
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"env": "Pendulum-v1"}, "is a policy for becalm/Fork-v0, not for Pendulum-v1"),
        ({"protocol": "chi"}, "protocol chi is for gym_pusht/PushT-v0"),
        ({"choose": "best"}, "choose best needs a score"),
        ({"steps": 0}, "steps must be greater than or equal to 1, got 0"),
        ({"checkpoint": "nowhere.safetensors"}, "there is no checkpoint nowhere.safetensors"),
    ],
)
def test_what_does_not_fit_is_one_sentence_and_nothing_is_written(
    checkpoint: str, tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        list(reports(**{"checkpoint": checkpoint, "out": str(tmp_path / "out"), **fields}))
    assert not (tmp_path / "out").exists()


def test_a_policy_of_other_sizes_is_refused(tmp_path: Path) -> None:
    file = written(perceptron(plain(3, 1)), tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="does not say which environment"):
        list(reports(file))
    with pytest.raises(UserError, match="observations of 3 and actions of 1 entries, environment .* has 2 and 2"):
        list(reports(file, env="becalm/Fork-v0"))


def test_settings_say_what_the_episodes_depend_on(checkpoint: str, tmp_path: Path) -> None:
    list(reports(checkpoint, episodes=1, out=str(tmp_path / "out"), video="none", seed=4))
    settings = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert settings["seed"] == 4 and settings["protocol"] == "gym" and len(settings["checkpoint"]) == 64
    assert not {"out", "resume", "parallel", "workers", "device"} & settings.keys()
