"""What is read of demonstrations in a file: whether they are the same, and what is said of a file that is refused."""

from pathlib import Path

import numpy as np
import pytest

from becalm import UserError
from becalm_policies import formats
from becalm_policies.demonstrations.episodes import Episodes

SENTENCE = r"^[^\n]{20,600}$"


def same(found: Episodes, expected: Episodes) -> bool:
    """Whether the steps and episodes are the same; rewards, ends and last observations too, if both have them."""
    names = ("observations", "actions", "ends", "rewards", "terminated", "last")
    pairs = [(getattr(found, name), getattr(expected, name)) for name in names]
    return all(np.array_equal(*pair) for pair in pairs if pair[0] is not None and pair[1] is not None)


def files(path: Path) -> list[Path]:
    """The file itself, or those in a folder, in order."""
    return [path] if path.is_file() else sorted(place for place in path.rglob("*") if place.is_file())


def refused(path: Path) -> str:
    """The one sentence, with the file's name, that reading it ends in."""
    with pytest.raises(UserError, match=SENTENCE) as caught:
        formats.read(path)
    assert path.name in str(caught.value), str(caught.value)
    return str(caught.value)
