"""What becalm_programs 0.1 called otherwise goes on working: modules, fields of requests, options and checkpoints."""

import importlib

import pytest

import becalm
from becalm_programs import MOVED
from becalm_programs.domain import IntegerPrograms
from becalm_programs.latent.request import LatentRequest
from becalm_programs.options import EvaluateOptions, PageOptions
from becalm_programs.request import ProgramRequest


@pytest.mark.parametrize(("old", "new"), sorted(MOVED.items()))
@pytest.mark.filterwarnings("ignore:becalm_programs:DeprecationWarning")
def test_a_module_that_moved_is_found_under_its_old_name(old: str, new: str) -> None:
    assert importlib.import_module(old) is importlib.import_module(new)


@pytest.mark.filterwarnings("ignore:becalm_programs:DeprecationWarning")
@pytest.mark.parametrize(
    ("module", "name"),
    [("bounds", "related"), ("network", "shares"), ("sample", "remarks"), ("tiers", "finish"), ("uniform", "bare")],
)
def test_what_scripts_import_by_its_old_name_is_there(module: str, name: str) -> None:
    assert callable(getattr(importlib.import_module(f"becalm_programs.{module}"), name))


@pytest.mark.parametrize("request_", [ProgramRequest, LatentRequest])
def test_a_request_takes_its_old_fields(request_: type[ProgramRequest]) -> None:
    asked = request_.model_validate({"objective": 2.0, "inner": 3, "last": 4})
    assert asked == request_(objective_weight=2.0, inner_steps=3, search_steps=4)
    assert becalm.load("set-cover", "cpu").request(objective=2.0).objective_weight == 2.0


def test_options_and_checkpoints_take_their_old_fields() -> None:
    assert EvaluateOptions.model_validate({"objective": 2.0}).objective_weight == 2.0
    assert PageOptions.model_validate({"objective": 2.0}).objective_weight == 2.0
    assert IntegerPrograms.model_validate({"pull": 2.0}).objective_weight == 2.0
    assert becalm.load("auction", "cpu").domain.usual()["objective_weight"] == 300.0
