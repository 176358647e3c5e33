"""Kinds are open: a notebook registers its own, a package brings them by a hook, and files name who brings what."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from pydantic import Field
from toy import POINTS, Points, install, model

import becalm
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.objective import Denoising, Objective
from becalm.plugin.kinds import _KNOWN, kinds
from becalm.request import SampleRequest
from becalm.sampler import DDIM, DPMpp2M, Sampler
from becalm.schedule import Cosine, Schedule
from becalm.train import Training, begin, train
from becalm.train.resume import save

CPU = torch.device("cpu")


class Late(Schedule):
    """Cosine, but later."""

    kind: Literal["late"] = "late"
    power: float = Field(2.0, gt=0, description="How late.")

    def __call__(self, t: torch.Tensor) -> NoiseLevel:
        return Cosine()(t.double() ** self.power)


class Half(Sampler):
    """DDIM that goes half of the way twice."""

    kind: Literal["half"] = "half"
    share: float = Field(0.5, gt=0, le=1, description="Share of the estimate that counts.")

    def rows(self, path: Any) -> Sequence[Any]:
        return DDIM().rows(path)

    def step(self, row: Any, x: Any, now: Any, to: Any, known: Any, noise: Any, carry: Any) -> Any:
        return DDIM().step(row, x, now, to, known, noise, carry)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook; other tests know nothing of it."""
    monkeypatch.setattr("becalm.plugin.kinds._KNOWN", {room: dict(known) for room, known in _KNOWN.items()})
    becalm.register(Late)
    becalm.register(Half)


def test_a_registered_kind_is_taken_wherever_one_of_its_room_is() -> None:
    assert {"late", "cosine"} <= set(kinds(Schedule)) and {"half", "ddim"} <= set(kinds(Sampler))
    assert SampleRequest(sampler={"kind": "half", "share": 0.3}).sampler == Half(0.3)  # type: ignore[arg-type]
    assert model().sample(count=2, steps=3, sampler="half").x0.shape == (2, 2)
    with pytest.raises(UserError, match=r"sampler must be one of .+'half', .+, got 'hal'; did you mean 'half'\?"):
        model().request(sampler="hal")


def test_registering_again_replaces_and_taking_anothers_name_is_refused() -> None:
    becalm.register(Late)

    class Cosinus(Schedule):
        kind: Literal["cosine"] = "cosine"

    with pytest.raises(UserError, match=r"^schedule 'cosine' is already becalm\.schedule\.cosine\.Cosine$"):
        becalm.register(Cosinus)
    with pytest.raises(UserError, match=r"^a kind is a subclass of a room's base with kind: Literal"):
        becalm.register(Schedule)


def test_a_schedule_of_a_notebook_is_trained_saved_and_loaded(tmp_path: Path, installed_toy: Path) -> None:
    state = begin(Points(), Late(3.0), Denoising(drop=0.0), Training(steps=1, precision="fp32"), CPU)
    list(train(state))
    save(state, tmp_path / "late.safetensors")
    assert becalm.load(tmp_path / "late.safetensors", "cpu").schedule == Late(3.0)


def test_a_function_as_schedule_is_refused_before_the_training() -> None:
    with pytest.raises(
        UserError, match=r"^a checkpoint must name its schedule: make function a subclass of becalm\.schedule"
    ):
        begin(Points(), lambda t: Cosine()(t), Denoising(), Training(), CPU)


def test_a_domain_of_a_notebook_loads_what_it_saved(tmp_path: Path) -> None:
    class Own(Points):
        name = "own-points"

    state = begin(Own(), Cosine(), Denoising(), Training(steps=1, precision="fp32"), CPU)
    list(train(state))
    save(state, tmp_path / "own.safetensors")
    assert isinstance(becalm.load(tmp_path / "own.safetensors", "cpu").domain, Own)


SPIRAL = """
    from typing import ClassVar, Literal
    from becalm.plugin.hooks import KindRef, hookimpl
    from becalm.sampler import DDIM, Sampler

    class Spiral(Sampler):
        kind: Literal["spiral"] = "spiral"
        turns: int = 3
        def rows(self, path): return DDIM().rows(path)
        def step(self, *args): return DDIM().step(*args)

    @hookimpl
    def kinds():
        return [KindRef("sampler", "spiral", "becalm_spiral:Spiral")]
"""
LATE = """
    from typing import Literal
    from becalm.level import NoiseLevel
    from becalm.plugin.hooks import KindRef, hookimpl
    from becalm.schedule import Cosine, Schedule

    class Early(Schedule):
        kind: Literal["early"] = "early"
        def __call__(self, t): return Cosine()(t.double() ** 0.5)

    @hookimpl
    def kinds():
        return [KindRef("schedule", "early", "becalm_early:Early")]
"""


def test_an_installed_kind_is_known_and_a_checkpoint_says_who_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, other = tmp_path / "with", tmp_path / "without"
    for place in (folder, other):
        place.mkdir()
        install(place, "points_plugin", POINTS)
    install(folder, "becalm_spiral", SPIRAL)
    install(folder, "becalm_early", LATE)
    monkeypatch.syspath_prepend(str(folder))
    assert "spiral" in kinds(Sampler)
    assert model().sample(count=2, steps=3, sampler={"kind": "spiral", "turns": 2}).x0.shape == (2, 2)
    schedule = Schedule.model_validate("early")
    state = begin(Points(), schedule, Denoising(), Training(steps=1, precision="fp32"), CPU)
    list(train(state))
    save(state, tmp_path / "early.safetensors")
    loaded = becalm.load(tmp_path / "early.safetensors", "cpu")
    brought = {"domain 'points'": "points_plugin", "schedule 'early'": "becalm_early"}
    assert loaded.schedule == schedule and loaded.config["brought"] == brought
    assert loaded.config["versions"] == {"points_plugin": "1.0", "becalm_early": "1.0"}
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(other))
    sys.modules.pop("becalm_early", None)
    with pytest.raises(
        UserError,
        match=r"early\.safetensors: this checkpoint needs schedule 'early', which becalm_early brings and which is not "
        r"installed: pip install becalm_early$",
    ):
        becalm.load(tmp_path / "early.safetensors", "cpu")


def test_a_sampler_has_no_option_of_another() -> None:
    with pytest.raises(UserError, match=r"^unknown key 'sampler\.eta'$"):
        model().request(sampler="heun", eta=0.5)
    with pytest.raises(UserError, match="eta must be less than or equal to 1, got 3"):
        DDIM(eta=3)
    assert model().request(sampler="ddim", eta=0.5).sampler == DDIM(0.5)
    assert model().request().sampler == DPMpp2M()


def test_an_objective_of_an_earlier_version_means_the_kind_of_today() -> None:
    old = {"prediction": "x0", "weighting": "simple", "times": {"kind": "uniform"}, "gamma": 5.0, "drop": 0.0}
    assert Objective.model_validate({**old, "error": "squared", "learned_variance": 0.0}).name == "denoising"
    assert Objective.model_validate({**old, "error": "logistic", "learned_variance": 0.0}).name == "cross_entropy"
    hybrid = Objective.model_validate({**old, "prediction": "eps", "error": "squared", "learned_variance": 0.01})
    assert hybrid.name == "hybrid" and hybrid.model_dump()["bound"] == 0.01
    capped = Objective.model_validate({**old, "weighting": "min_snr", "gamma": 3.0})
    assert capped.model_dump()["weighting"] == {"kind": "min_snr", "gamma": 3.0}
