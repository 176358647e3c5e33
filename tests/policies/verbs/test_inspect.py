"""Inspecting says what is in a file of demonstrations and what may be wrong with it."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import written
from PIL import Image

from becalm.plugin.report import Table
from becalm_apps.main import main
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.options import InspectOptions
from becalm_policies.verbs.inspect import run, warnings
from becalm_policies.views.demonstration_plot import plot_demonstrations

FIXTURE = Path(__file__).parents[2] / "fixtures" / "policies" / "pusht.npz"


def tables(path: Path, out: Path) -> dict[str, dict[str, tuple[object, ...]]]:
    """The tables by title, their rows by first cell."""
    found = [part for part in run(InspectOptions(file=str(path), out=str(out))) if isinstance(part, Table)]
    return {table.title: {str(row[0]): row[1:] for row in table.rows} for table in found}


def test_the_tables_hold_the_figures_of_the_arrays(tmp_path: Path) -> None:
    episodes = Episodes.read(FIXTURE)
    found = tables(FIXTURE, tmp_path / "a.png")
    overview = found[str(FIXTURE)]
    assert overview["environment"] == ("gym_pusht/PushT-v0",)
    assert (overview["episodes"], overview["steps"]) == ((4,), (len(episodes.actions),))
    for title, values in (("observations", episodes.observations), ("actions", episodes.actions)):
        shown = np.array(list(found[title].values()))
        figures = np.transpose([values.min(0), values.mean(0), values.max(0), values.std(0)])
        assert shown == pytest.approx(figures, rel=1e-3)
    assert found["episodes"]["steps"][::2] == (49, np.median(episodes.lengths), 64)


def test_returns_are_shown_if_there_are_rewards(tmp_path: Path) -> None:
    episodes = written.small()
    path = written.store(tmp_path, episodes)
    assert episodes.returns is not None
    shown = tables(path, tmp_path / "a.png")["episodes"]["return"]
    assert shown == pytest.approx(np.quantile(episodes.returns, (0, 0.25, 0.5, 0.75, 1)), rel=1e-3)


def test_sound_demonstrations_raise_no_warning() -> None:
    assert warnings(Episodes.read(FIXTURE)) == []


def test_each_flaw_is_warned_of_by_a_sentence() -> None:
    sound = written.small()
    still = sound.observations.copy()
    still[:, 3] = 7
    flawed = {
        "observation 3 never changes": replace(sound, observations=still),
        "2 actions (10 %) out of bounds, the first at step 4": replace(sound, actions=_beyond(sound.actions)),
        "2 episodes there twice, such as 0 and 1": sound.take([0, 0, 1, 1]),
        "1 episode of a single step, such as 1": Episodes.join([sound, _one(sound)]).take([0, 3]),
    }
    for sentence, episodes in flawed.items():
        assert warnings(episodes) == [sentence]


def _beyond(actions: np.ndarray) -> np.ndarray:
    beyond = actions.copy()
    beyond[4, 1], beyond[11, 0] = 1001, -1001
    return beyond


def _one(episodes: Episodes) -> Episodes:
    return Episodes(episodes.observations[:1], episodes.actions[:1], np.array([1]), np.zeros(1))


@pytest.mark.parametrize(("observation", "action"), [(1, 1), (2, 3), (5, 2), (4, 14)])
def test_the_picture_suits_any_sizes(observation: int, action: int) -> None:
    rng = np.random.default_rng(0)
    episodes = Episodes(rng.normal(size=(9, observation)), rng.normal(size=(9, action)), np.array([1, 9]))
    image = np.asarray(Image.open(io.BytesIO(plot_demonstrations(episodes).content)).convert("L"))
    assert image.std() > 5  # Something is drawn.


def test_demonstrations_that_never_change_can_be_drawn() -> None:
    assert plot_demonstrations(Episodes(np.zeros((3, 2)), np.zeros((3, 2)), np.array([3])))


Inspect = Callable[..., tuple[int, str]]


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]) -> Inspect:
    """``becalm policies inspect``: its exit status and what it printed."""

    def run(file: Path, out: Path, *more: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["policies", "inspect", str(file), "--out", str(out), *more])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out or printed.err

    return run


def test_the_verb_prints_tables_and_writes_the_picture(tmp_path: Path, inspect: Inspect) -> None:
    out = tmp_path / "a.png"
    code, printed = inspect(FIXTURE, out)
    assert code == 0
    assert "gym_pusht/PushT-v0" in printed
    assert Image.open(out).format == "PNG"


def test_the_verb_gives_json_where_asked(tmp_path: Path, inspect: Inspect) -> None:
    code, printed = inspect(FIXTURE, tmp_path / "a.png", "--json")
    assert code == 0
    assert "block angle" in json.dumps(json.loads(printed))


def test_bad_demonstrations_exit_with_2_and_write_nothing(tmp_path: Path, inspect: Inspect) -> None:
    (tmp_path / "a.npz").write_bytes(FIXTURE.read_bytes()[:1000])
    code, printed = inspect(tmp_path / "a.npz", tmp_path / "a.png")
    assert code == 2
    assert "a.npz is damaged" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
