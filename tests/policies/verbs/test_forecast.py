"""``becalm policies forecast``: a file that policies plan ahead by."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_policy import made

import becalm.model
from becalm.errors import UserError
from becalm.plugin.report import Table
from becalm_policies.control.policy import policy
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.environments.make import make
from becalm_policies.forecast.errors import errors
from becalm_policies.forecast.file import read
from becalm_policies.options import EvaluateOptions, ForecastOptions, RecordOptions
from becalm_policies.rollouts.protocol import start
from becalm_policies.verbs import evaluate, forecast, record


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fork") / "fork.npz"
    list(record.run(RecordOptions(env="becalm/Fork-v0", demonstrator="expert", episodes=20, seed=3, out=str(path))))
    return path


def test_what_is_learnt_is_judged_by_what_was_left_out_and_planned_by(fork: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "ahead.safetensors")
    said = list(forecast.run(ForecastOptions(checkpoint="fork", data=str(fork), steps=20, width=16, out=out)))
    table = next(each for each in said if isinstance(each, Table))
    assert table.title == "mean absolute errors, 2 demonstrations left out"
    figures = {row[0]: dict(zip(table.columns[1:], row[1:], strict=True)) for row in table.rows}
    for entry in ("x", "y"):
        assert figures[entry]["1 step ahead"] < 0.2 * figures[entry]["change in 1 step"]
        assert figures[entry]["4 steps ahead"] < 0.2 * figures[entry]["change in 4 steps"]
    played = evaluate.run(EvaluateOptions(checkpoint="fork", episodes=8, delay=3, forecast=out, device="cpu"))
    scores = next(each for each in played if isinstance(each, Table))
    assert {row[0]: row[1] for row in scores.rows}["success rate"] >= 0.75


def test_an_evaluation_goes_on_with_the_same_forecast_alone(fork: Path, tmp_path: Path) -> None:
    files = []
    for seed in (0, 1):
        files.append(str(tmp_path / f"{seed}.safetensors"))
        list(forecast.run(ForecastOptions(checkpoint="fork", data=str(fork), steps=1, seed=seed, out=files[-1])))

    def play(file: str, episodes: int, **given: Any) -> None:
        asked = {"checkpoint": "fork", "out": str(tmp_path / "e"), "video": "none", "limit": 20, "device": "cpu"}
        list(evaluate.run(EvaluateOptions(**asked, episodes=episodes, delay=1, forecast=file, **given)))

    play(files[0], 1)
    play(files[0], 2, resume=True)
    with pytest.raises(UserError, match="forecast"):
        play(files[1], 3, resume=True)


def test_the_bundled_forecast_foretells_what_the_environment_does() -> None:
    actor, env = policy(becalm.model.load("pusht", "cpu")), make("gym_pusht/PushT-v0")
    places, actions = [], []
    for episode in range(3):
        seen, _ = start("lerobot", episode).reset(env)
        actor.reset(numbers=episode)
        for _ in range(60):
            places.append(seen)
            actions.append(actor.act(seen))
            seen = env.step(actions[-1])[0]
    played = Episodes(np.array(places), np.array(actions, np.float64), np.array([60, 120, 180]))
    found = {each.steps: each for each in errors(read("pusht", actor.domain), played)}
    assert bool((found[4].foretold[:2] < 0.1).all()) and bool((found[4].still[:2] > 15).all())
    assert found[4].foretold[2:4].sum() < 0.5 * found[4].still[2:4].sum()
    assert found[4].foretold[4] < 0.2 * found[4].still[4]


def test_what_is_no_forecast_is_refused(refused: Callable[..., str], demonstrations: Path, tmp_path: Path) -> None:
    own = made(tmp_path)
    says = refused("evaluate", own, "--delay", 2, "--forecast", own)
    assert "holds no forecast: make one by becalm policies forecast" in says
    says = refused("forecast", own, "--data", demonstrations, "--out", "a.safetensors")
    assert "has observations of 2 and actions of 2 entries, the demonstrations have 5 and 2" in says
    seeing = refused("forecast", "pusht-pixels", "--data", demonstrations, "--out", "a.safetensors")
    assert "a forecast is of observations that are vectors of numbers, and this policy sees pictures" in seeing
