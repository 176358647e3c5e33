"""A class is asked for by its name, or by its number where no class has a number for a name."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm import UserError
from becalm_images.domain import Images
from becalm_images.label import class_number, parse
from becalm_images.request import ImageRequest

SHAPES = ("disc", "square", "star")


def _asked(label: object, names: tuple[str, ...] = SHAPES) -> list[int]:
    domain = Images(classes=len(names), class_names=names)
    return domain.condition(ImageRequest(label=label, count=3)).tolist()


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("square", [1, 1, 1]),
        ("star, disc", [2, 0, 2]),
        (("disc", 1), [0, 1, 0]),
        ("1", [1, 1, 1]),
        (np.int64(2), [2, 2, 2]),
        (torch.tensor(2), [2, 2, 2]),
        (np.array([2, 0]), [2, 0, 2]),
        (torch.tensor([1, 2]), [1, 2, 1]),
        (range(3), [0, 1, 2]),
        ("any", [0, 1, 2]),
    ],
)
def test_names_numbers_and_arrays_are_labels(label: object, expected: list[int]) -> None:
    assert _asked(label) == expected


def test_where_classes_have_numbers_for_names_a_number_is_a_name() -> None:
    letters = tuple(str(number) for number in range(1, 4))
    assert _asked("1,2,3", letters) == _asked((1, 2, 3), letters) == [0, 1, 2]
    assert _asked(7, ("03", "07")) == [1, 1, 1]
    with pytest.raises(UserError, match=r"^label must be one of 1, 2, 3, got 0$"):
        _asked(0, letters)


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=6, unique=True))
def test_every_name_is_its_own_class(names: list[str]) -> None:
    assert [class_number(name, names) for name in names] == list(range(len(names)))


@pytest.mark.parametrize("label", [True, 3.0, None, "", "1,,2", np.array([0.5]), (), [[1]], np.bool_(True)])
def test_what_stands_for_no_class_is_refused_in_plain_words(label: object) -> None:
    with pytest.raises(ValueError, match=r"^must (be|name) a class"):
        parse(label)


def test_an_unknown_class_says_what_there_is_and_what_is_near() -> None:
    with pytest.raises(UserError, match=r"^label must be one of disc.*got sqare; did you mean 'square'\?$"):
        _asked("sqare")
    with pytest.raises(UserError, match=r"or a number from 0 to 2, got 3"):
        _asked(3)
    many = tuple(f"class{number}" for number in range(1000))
    with pytest.raises(UserError, match=r"class19, \.\.\. \(1000 in all\)"):
        _asked("dog", many)
