"""A kind that is made of another one of its room: help, flags and files know it, and end."""

from typing import Any, Literal

import pytest
from pydantic import Field

import becalm
from becalm.plugin.kinds import _KNOWN
from becalm.request import SampleRequest
from becalm.sampler import DDIM, Sampler
from becalm_apps.cli.flags import flags
from becalm_apps.fields.nested import spell_out


class Twice(Sampler):
    kind: Literal["twice"] = "twice"
    within: Sampler = Field(DDIM(), description="What is done twice.")
    share: float = Field(0.5, description="How much of it.")

    def rows(self, path: Any) -> Any:
        return self.within.rows(path)

    def step(self, *of: Any) -> Any:
        return self.within.step(*of)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook; other tests know nothing of it."""
    monkeypatch.setattr("becalm.plugin.kinds._KNOWN", {room: dict(known) for room, known in _KNOWN.items()})
    becalm.register(Twice)


def test_its_flags_end_with_the_choice_of_the_inner_one() -> None:
    made = flags(SampleRequest, section=str, flat=(), taken=(), defaults={})
    names = {flag.name for flag in made}
    assert {"sampler", "sampler.within", "sampler.share"} <= names
    assert not any(name.startswith("sampler.within.") for name in names)


def test_a_file_may_say_all_of_the_inner_one() -> None:
    table = {"sampler": {"kind": "twice", "within": {"kind": "twice", "within": {"kind": "ddim", "eta": 0.5}}}}
    request = SampleRequest.model_validate(spell_out(SampleRequest, table))
    assert request.sampler == Twice(within=Twice(within=DDIM(0.5)))
