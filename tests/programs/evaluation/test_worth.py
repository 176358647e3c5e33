"""What a network buys is measured in equal time, with its interval, and decides whether it is used unasked."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import ttest_1samp

from becalm.files.checkpoint import Checkpoint
from becalm.model.load import find
from becalm_programs.evaluation.worth import Compared, compare, worth
from becalm_programs.families import generate
from becalm_programs.opening import bare
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.sampling import choose
from becalm_programs.sampling.worth import Worth, worth_in, worth_of

Run = Callable[..., tuple[int, str, str]]
NONE = bare(torch.device("cpu"))
COVER = StandardForm.of(generate("set-cover", "tiny", 0))


def _row(gain: float) -> Compared:
    return Compared(1.0, 1.0, 1.0, (8, 16), gain)


def test_a_model_beside_itself_buys_nothing() -> None:
    ticks = count()
    row = compare(NONE, NONE, COVER, tier="1-opt", count=4, seed=0, clock=lambda: float(next(ticks)))
    assert (row.network, row.samples) == (row.relaxation, (4, 4))
    assert row.gain == 0


@pytest.mark.parametrize("family", ["set-cover", "auction"])
def test_the_time_that_the_network_took_is_used_up_by_other_samples(family: str) -> None:
    # The network takes from 0 to 10; then each batch takes three.
    times = iter([0.0, 10.0, 10.0, 13.0, 16.0, 19.0, 22.0])
    form = StandardForm.of(generate(family, "tiny", 1))
    row = compare(NONE, NONE, form, tier="guided", count=2, seed=0, clock=lambda: next(times))
    assert row.samples == (2, 8)
    assert row.seconds == 10
    # The first of these are the network's own, so the other can only be better.
    assert row.gain <= 0


def test_the_interval_is_students() -> None:
    gains = np.random.default_rng(0).normal(0.01, 0.02, 7)
    found = worth([_row(gain) for gain in gains], "1-opt")
    low, high = ttest_1samp(gains, 0).confidence_interval()
    np.testing.assert_allclose((found.gain, found.low, found.high), (gains.mean(), low, high))
    assert found.positive == (low > 0)


def test_a_checkpoint_keeps_it(tmp_path: Path) -> None:
    made = Worth(0.01, 0.005, 0.015, 6, 30, "1-opt")
    path = tmp_path / "mine.safetensors"
    Checkpoint({"a": torch.zeros(1)}, {"domain": "programs"}).write(path)
    assert worth_in(path, "1-opt") is None
    Checkpoint({"a": torch.zeros(1)}, made.within({"domain": "programs"})).write(path)
    assert worth_in(path, "1-opt") == worth_in(path, "repair") == made
    assert worth_in(path, "guided") is None
    both = replace(made, tier="guided", gain=0.5).within(Checkpoint.read(path).config)
    assert worth_of(both, "1-opt") == made
    assert worth_of(both, "projection") == replace(made, tier="guided", gain=0.5)
    assert str(made) == "+1.00 % (+0.50 to +1.50) on 6 instances at tier 1-opt"


@pytest.mark.parametrize(("low", "used"), [(0.001, True), (0.0, False), (-0.01, False)])
def test_a_network_is_used_unasked_only_where_it_is_worth_it(
    low: float, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "worth_in", lambda path, tier: Worth(0.01, low, 0.02, 6, 30, "1-opt"))
    name, said = choose.worthwhile(generate("auction", "small", 0), "1-opt")
    assert (name == "auction") is used
    assert "a combinatorial auction" in said and "+1.00 %" in said
    assert ("--checkpoint auction" in said) is not used


def test_all_bundled_networks_say_what_they_are_worth() -> None:
    for name in choose.SIZES:
        config = Checkpoint.read(find(name)).config
        assert worth_of(config, "guided") is not None and worth_of(config, "1-opt") is not None, name


def test_the_verb_writes_it_into_the_file(becalm: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    old = Checkpoint.read(find("independent-set"))
    config = {key: value for key, value in old.config.items() if key != "worth"}
    replace(old, config=config).write(path)
    words = ("worth", path, "--size", "tiny", "--instances", 2, "--samples", 2)
    code, out, err = becalm("programs", *words)
    assert (code, err) == (0, "")
    assert "on 2 instances" in out
    assert worth_in(path, "1-opt") is None
    code, out, _ = becalm("programs", *words, "--write")
    assert code == 0
    found = worth_in(path, "1-opt")
    assert found is not None and (found.instances, found.samples) == (2, 2)


def test_an_empty_folder_is_one_sentence(becalm: Run, tmp_path: Path) -> None:
    code, _, err = becalm("programs", "worth", "auction", "--folder", tmp_path)
    assert code == 2
    assert "holds no program" in err
