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


def test_settings_are_frozen_and_hash() -> None:
    assert hash(Walk(speed=2.0)) == hash(Walk(speed=2.0))
    with pytest.raises(ValidationError):
        Walk().speed = 3.0  # type: ignore[misc]
