"""Demonstrations survive each format they come in, and each says of them what it knows."""

from pathlib import Path

import numpy as np
import pytest
import written
from reading import same

from becalm_policies import formats
from becalm_policies.demonstrations.episodes import Episodes

pytestmark = pytest.mark.usefixtures("minari_root")


@pytest.mark.parametrize("kind", written.FORMATS)
def test_demonstrations_survive_the_format(tmp_path: Path, kind: str) -> None:
    expected = written.small()
    found = formats.read(written.FORMATS[kind](tmp_path, expected))
    assert same(found, expected)
    assert (found.rewards is None) == (kind == "pusht")
    assert len(found.spec.get("observation", range(5))) == 5


@pytest.mark.parametrize("kind", written.FORMATS)
def test_the_environment_and_the_bounds_are_known_where_the_format_says_them(tmp_path: Path, kind: str) -> None:
    found = formats.read(written.FORMATS[kind](tmp_path, written.small()))
    push_t = kind in ("zarr", "zarr.zip")
    nothing = kind.startswith("lerobot") or kind == "pusht"
    assert found.environment == ("gym_pusht/PushT-v0" if push_t else "" if nothing else "Pendulum-v1")
    bound = [512.0, 512.0] if push_t else None if nothing or kind == "robomimic" else [1e3, 1e3]
    assert found.spec.get("action_high") == bound


@pytest.mark.parametrize("kind", written.FORMATS)
def test_what_a_format_says_of_ends_and_of_the_control_rate_is_kept(tmp_path: Path, kind: str) -> None:
    found = formats.read(written.FORMATS[kind](tmp_path, written.small()))
    says_ends = kind in ("store", "minari", "minari before 0.5", "robomimic")
    assert (found.terminated is not None, found.last is not None) == (says_ends, says_ends)
    rates = {"robomimic": 20, "lerobot v2": 20, "lerobot v3": 20, "zarr": 10, "zarr.zip": 10}
    assert found.rate == rates.get(kind, 0)


@pytest.mark.parametrize("kind", written.FORMATS)
def test_demonstrations_without_rewards_have_none(tmp_path: Path, kind: str) -> None:
    expected = written.small(rewards=False)
    if kind == "minari":
        pytest.skip("Minari's own writer has always rewards")
    assert formats.read(written.FORMATS[kind](tmp_path, expected)).rewards is None


@pytest.mark.parametrize("kind", written.FORMATS)
def test_what_is_read_can_be_kept_in_a_store(tmp_path: Path, kind: str) -> None:
    found = formats.read(written.FORMATS[kind](tmp_path, written.small()))
    found.write(tmp_path / "kept.npz")
    kept = formats.read(tmp_path / "kept.npz")
    assert same(kept, found)
    assert (kept.environment, dict(kept.spec)) == (found.environment, dict(found.spec))


def test_dict_observations_stand_side_by_side_in_order_of_key(tmp_path: Path) -> None:
    found = formats.read(written.minari(tmp_path, written.small()))
    assert found.spec["observation"] == ["a[0]", "a[1]", "a[2]", "a[3]", "z"]


def test_images_are_left_out_and_the_spec_says_so(tmp_path: Path) -> None:
    assert formats.read(written.robomimic(tmp_path, written.small())).spec["left_out"] == ["agentview_image"]
    assert formats.read(written.lerobot_v3(tmp_path, written.small())).spec["left_out"] == ["observation.image"]


def test_episodes_come_in_order_of_number_not_of_name(tmp_path: Path) -> None:
    steps = np.arange(12.0)[:, None]
    expected = Episodes(steps, steps, np.arange(1, 13))
    for name in ("robomimic", "minari before 0.5", "lerobot v2"):
        write = written.FORMATS[name]
        if name == "lerobot v2":
            expected = Episodes(np.repeat(steps, 3, 1), steps, np.arange(1, 13))
        elif name == "robomimic":
            expected = Episodes(np.repeat(steps, 4, 1), steps, np.arange(1, 13))
        assert same(formats.read(write(tmp_path, expected)), expected)
