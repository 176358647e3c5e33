"""Pictures of samples name the classes, and show each image whole, whatever the names and their order."""

import numpy as np
import pytest
import torch

from becalm_images.domain import Images
from becalm_images.views.named import named_grid

DIGITS = tuple("0123456789")
LONG = ("disc", "a name that is longer than an image is wide, and then some more", "ünï/cödé")


def _picture(names: list[str], side: int = 16, channels: int = 1) -> np.ndarray:
    """Images of one grey level each, below the ground's and the text's."""
    levels = torch.arange(len(names), dtype=torch.uint8)
    return named_grid(levels[:, None, None, None].expand(-1, channels, side, side).contiguous(), names)


def _places(picture: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero((picture == level).all(-1))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "names",
    [
        [*DIGITS, *DIGITS[:6]],
        [LONG[number % 3] for number in range(7)],
        ["disc"] * 5,
        [""] * 5,
        ["disc", "", "disc", "disc"],
        [f"class {number}" for number in range(30)],
        ["x"],
    ],
    ids=["columns", "rows", "one class", "no class", "some", "each", "a single one"],
)
def test_every_image_stands_whole_in_the_picture(names: list[str], channels: int) -> None:
    picture = _picture(names, channels=channels)
    assert picture.shape[-1] == channels
    for level in range(len(names)):
        rows, columns = _places(picture, level)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width and height == width >= 16


@pytest.mark.parametrize(("names", "axis"), [(DIGITS, 1), (LONG, 0)])
def test_a_class_is_a_column_or_where_names_are_long_a_row(names: tuple[str, ...], axis: int) -> None:
    picture = _picture([names[number % len(names)] for number in range(2 * len(names) + 1)])
    for number in range(len(names)):
        same = [np.unique(_places(picture, level)[axis]) for level in (number, number + len(names))]
        assert np.array_equal(*same)
        assert not np.array_equal(same[0], np.unique(_places(picture, (number + 1) % len(names))[axis]))


def test_names_are_written_and_null_labels_have_none() -> None:
    ground = {96, *range(5)}
    assert set(np.unique(_picture([""] * 5))) <= ground
    assert not set(np.unique(_picture(["disc"] * 5))) <= ground
    assert not np.array_equal(_picture(["disc"] * 5), _picture(["dust"] * 5))


def test_a_domain_writes_its_own_names() -> None:
    images = torch.zeros(4, 1, 28, 28, dtype=torch.uint8)
    named, numbered = Images(classes=2, class_names=("disc", "square")), Images(classes=2)
    labels, null = torch.tensor([0, 1, 0, 1]), torch.full((4,), 2)
    assert named.render(images, labels).content != numbered.render(images, labels).content
    assert named.render(images, null).content == numbered.render(images, null).content
