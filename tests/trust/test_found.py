"""What fuzzing has found, a test of each kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from becalm.errors import UserError, unknown
from becalm_images.data.source import load_all
from becalm_images.networks.architecture import DiTShape, UNetShape
from becalm_policies.domain import Policies
from becalm_programs.training import labels


def test_a_sentence_with_words_of_a_file_is_one_printable_line_of_bounded_length() -> None:
    said = str(UserError("a.npz must hold 'x', got \x1b[2J\n\x07é"))
    assert said == r"a.npz must hold 'x', got \x1b[2J \x07é"
    long = str(UserError(f"a.npz: {'x' * 10**5} is wrong"))
    assert long.startswith("a.npz: xxx") and long.endswith("xxx is wrong") and len(long) < 2000


def test_an_unknown_name_of_any_length_is_a_short_sentence() -> None:
    said = str(unknown("domain", "a" * 10**6, ["images", "policies"]))
    assert said.startswith("unknown domain 'aaa") and len(said) < 300


def test_texts_that_are_no_letters_are_refused(tmp_path: Path) -> None:
    names = np.array(["x"])
    names.view(np.uint32)[0] = 0x110000
    np.savez(tmp_path / "a.npz", x=np.ones((1, 1)), objective=np.ones(1), max_violation=np.ones(1), names=names)
    with pytest.raises(UserError, match=r"a\.npz: names must hold text"):
        labels.load(tmp_path / "a.npz")


@pytest.mark.parametrize("data", ["a" * 5000, "a\0b"])
def test_a_folder_of_a_name_that_no_file_can_have_is_one_sentence(data: str) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        load_all(data)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        (UNetShape, {"widths": (16, 30), "groups": 2, "heads": 4}),
        (UNetShape, {"widths": (16, 32), "groups": 3, "heads": 1}),
        (UNetShape, {"widths": (16, 30), "groups": 2, "heads": 4, "attention": 0}),
        (DiTShape, {"width": 30, "heads": 4}),
    ],
)
def test_heads_and_groups_divide_widths(shape: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must divide by"):
        shape(**settings)


def test_actions_are_relative_to_entries_that_there_are() -> None:
    with pytest.raises(ValidationError, match="relative must name entries from 0 to 2, got 3"):
        Policies(observation_size=3, action_size=1, relative=(3,))
