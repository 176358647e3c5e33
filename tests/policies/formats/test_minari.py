"""What is written for Minari its own library loads, and it comes back whole."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import written
from reading import SENTENCE, same

from becalm import UserError
from becalm_policies import formats
from becalm_policies.formats import to_minari

pytestmark = pytest.mark.usefixtures("minari_root")


def test_minari_loads_what_we_write(tmp_path: Path, minari_root: Path) -> None:
    import minari as library

    expected = written.small()
    to_minari.write(minari_root / "ours-v3", expected)
    dataset = library.load_dataset("ours-v3")
    assert (dataset.total_episodes, dataset.total_steps) == (len(expected), len(expected.actions))
    assert dataset.env_spec.id == "Pendulum-v1"
    assert dataset.action_space.high.tolist() == [1e3, 1e3]
    for number, episode in enumerate(dataset.iterate_episodes()):
        steps = slice(expected.starts[number], expected.ends[number])
        assert np.array_equal(episode.actions, expected.actions[steps])
        assert np.array_equal(episode.rewards, expected.rewards[steps])
        assert expected.last is not None and expected.terminated is not None
        assert np.array_equal(episode.observations[:-1], expected.observations[steps])
        assert np.array_equal(episode.observations[-1], expected.last[number])
        ended = bool(expected.terminated[number])
        assert episode.terminations.tolist() == [False] * (len(episode.actions) - 1) + [ended]
        assert episode.truncations.tolist() == [False] * (len(episode.actions) - 1) + [not ended]


def _old(path: Path) -> None:
    """What becalm 0.1 wrote: it made up all ends, and did not say so."""
    metadata = json.loads((path / "data" / "metadata.json").read_text())
    metadata["becalm"] = {name: metadata["becalm"][name] for name in ("spec", "rewards")}
    (path / "data" / "metadata.json").write_text(json.dumps(metadata))


def test_ends_that_were_made_up_are_not_read_as_known(tmp_path: Path) -> None:
    whole = written.small()
    to_minari.write(tmp_path / "ours-v0", replace(whole, terminated=None))
    found = formats.read(tmp_path / "ours-v0")
    assert found.terminated is None and same(found, whole) and found.last is not None
    _old(tmp_path / "ours-v0")
    found = formats.read(tmp_path / "ours-v0")
    assert found.terminated is None and found.last is None and found.rewards is not None


@pytest.mark.parametrize("rewards", [True, False])
@pytest.mark.parametrize("name", ["ours-v0", "ours.hdf5"])
def test_what_we_write_for_minari_comes_back_whole(tmp_path: Path, name: str, rewards: bool) -> None:
    expected = written.small(rewards=rewards)
    expected = expected if rewards else replace(expected, terminated=None, last=None)
    for _ in range(2):  # The second replaces the first.
        to_minari.write(tmp_path / name, expected)
        found = formats.read(tmp_path / name)
        assert same(found, expected)
        for known in ("rewards", "terminated", "last"):
            assert (getattr(found, known) is not None) == rewards
        assert found.environment == expected.environment
        assert expected.spec.items() <= found.spec.items()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_minari_knows_our_own_environments_too(tmp_path: Path, minari_root: Path) -> None:
    import minari as library

    ours = replace(written.small(), environment="becalm/Fork-v0")
    to_minari.write(minari_root / "fork-v0", ours)
    assert library.load_dataset("fork-v0").recover_environment().spec.id == "becalm/Fork-v0"
    strange = replace(ours, environment="nobody/Knows-v7")
    to_minari.write(minari_root / "strange-v0", strange)
    assert library.load_dataset("strange-v0").env_spec.id == "nobody/Knows-v7"


def test_minari_is_never_written_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine-v0").mkdir()
    (tmp_path / "mine-v0" / "thesis.txt").write_text("years of work")
    for name in ("mine-v0", "no version"):
        with pytest.raises(UserError, match=SENTENCE):
            to_minari.write(tmp_path / name, written.small())
    assert [path.name for path in tmp_path.rglob("*")] == ["mine-v0", "thesis.txt"]


def test_the_file_of_a_minari_dataset_holds_the_same_as_its_folder(tmp_path: Path) -> None:
    folder = written.minari(tmp_path, written.small())
    for place in (folder / "data", folder / "data" / "main_data.hdf5"):
        assert same(formats.read(place), formats.read(folder))
