"""Settings are understood under the names that their fields had before."""

from collections.abc import Mapping
from typing import ClassVar

import pytest
from pydantic import ValidationError

from becalm.plugin.settings import Settings


class Walk(Settings):
    renamed: ClassVar[Mapping[str, str]] = {"pace": "speed"}
    speed: float = 1.0


def test_an_old_name_means_the_new_one() -> None:
    assert Walk(pace=2.0) == Walk(speed=2.0) == Walk.model_validate({"pace": 2.0})  # type: ignore[call-arg]
    assert Walk(speed=2.0).model_dump() == {"speed": 2.0}


def test_both_names_at_once_are_refused() -> None:
    with pytest.raises(ValidationError, match="pace"):
        Walk(pace=2.0, speed=3.0)  # type: ignore[call-arg]


class Race(Settings):
    instead: ClassVar[Mapping[str, str]] = {"minutes": "laps"}
    laps: int | None = 7
    minutes: float | None = None


def test_a_field_takes_the_place_of_anothers_default_but_not_of_what_is_said() -> None:
    assert Race().laps == 7
    assert Race(minutes=2.0).laps is None
    assert Race(minutes=2.0, laps=3).laps == 3
    assert Race.model_validate(Race(minutes=2.0).model_dump()) == Race(minutes=2.0)


def test_settings_are_frozen_and_hash() -> None:
    assert hash(Walk(speed=2.0)) == hash(Walk(speed=2.0))
    with pytest.raises(ValidationError):
        Walk().speed = 3.0  # type: ignore[misc]
