"""``becalm policies evaluate --data``: a policy's actions beside recorded ones."""

from pathlib import Path
from typing import Any

import pytest

from becalm.errors import UserError
from becalm.plugin.report import Table
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.options import EvaluateOptions, RecordOptions
from becalm_policies.verbs import evaluate, record


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Demonstrations of the fork that the bundled policy has not seen."""
    path = tmp_path_factory.mktemp("fork") / "fork.npz"
    asked = RecordOptions(env="becalm/Fork-v0", demonstrator="expert", episodes=20, seed=900, out=str(path))
    list(record.run(asked))
    return path


def judged(data: Path, checkpoint: str = "fork") -> dict[str, dict[str, tuple[Any, ...]]]:
    """Figures and ends of their intervals, by figure and player."""
    found = list(evaluate.run(EvaluateOptions(checkpoint=checkpoint, data=str(data), device="cpu")))
    assert all(isinstance(table, Table) for table in found)
    return {
        table.title.split(":")[0]: {row[0]: row[1:] for row in table.rows}
        for table in found
        if isinstance(table, Table)
    }


def test_who_goes_both_ways_has_less_energy_than_regression_and_knows_what_was_done_where(fork: Path) -> None:
    found = judged(fork)
    error, energy = found["action error"], found["action energy"]
    assert error["mean"][0] == energy["mean"][0] == 1.0
    for name in ("ridge", "neighbours", "mean"):
        assert energy["policy"][0] < 0.8 * energy[name][0]
    likely = found["log-likelihood, nats per entry"]
    assert likely["difference"][1] > 1 and likely["recorded"][0] > likely["after another window"][2]
    for player in (*error.values(), *energy.values()):
        assert player[1] <= player[0] <= player[2]


def test_other_demonstrations_and_too_few_of_them_are_refused(fork: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has observations of 2 and actions of 2 entries, the policy of 8 and 2"):
        judged(fork, "lander")
    alone = tmp_path / "alone.npz"
    Episodes.read(fork).take([0]).write(alone)
    with pytest.raises(UserError, match="there must be two, got one"):
        judged(alone)
