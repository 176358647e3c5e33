"""Chosen times, extra updates and words without a flag, from the command line to the samples."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Run = Callable[..., tuple[int, str, str]]
FLAGS = ["--sampler", "ddim", "--device", "cpu", "--count", 4, "--times", "1,0.5,0.1", "--extra", 2]


def test_figures_films_and_sentences_count_the_steps_that_are_taken(becalm: Run, trained: Path, tmp_path: Path) -> None:
    code, out, err = becalm("toy", "sample", "--checkpoint", trained, *FLAGS, "--out", "film.gif")
    assert (code, err) == (0, "")
    assert "(ddim, 5 steps, seed 0" in out
    with Image.open(tmp_path / "film.gif") as film:
        assert 1 < getattr(film, "n_frames", 1) <= 5  # Frames that are alike may be stored as one.
    figures = json.loads(becalm("toy", "evaluate", "--checkpoint", trained, *FLAGS, "--json")[1])
    assert figures["network_calls"] == 5


@pytest.mark.parametrize("times", ["0.1,1", "1,1", "2", "0", ""])
def test_times_that_no_path_can_visit_are_one_sentence(times: str, becalm: Run, trained: Path, tmp_path: Path) -> None:
    code, out, err = becalm("toy", "sample", "--checkpoint", trained, "--times", times)
    assert (code, out) == (2, "")
    assert err.startswith("becalm: times must descend strictly within (0, 1], got ") and err.count("\n") == 1


PLUGIN = """
    from becalm.plugin.hooks import DomainRef, hookimpl

    @hookimpl
    def domains():
        request = "becalm_stone_request:StoneRequest"
        return [DomainRef("stone", "Stones.", "becalm_stone_domain:Stones", request=request)]
"""
REQUEST = """
    from typing import Annotated, Literal
    from becalm.plugin.report import Positional
    from becalm_toy.request import ToyRequest

    class StoneRequest(ToyRequest):
        side: Annotated[Literal["left", "right"], Positional()] = "left"
"""
DOMAIN = """
    from typing import ClassVar
    from becalm_stone_request import StoneRequest
    from becalm_toy.domain import Toy

    class Stones(Toy):
        name: ClassVar[str] = "stone"
        request: ClassVar[type[StoneRequest]] = StoneRequest
"""


def test_what_is_asked_for_may_be_words_too(becalm: Run, bring: Callable[..., None], tmp_path: Path) -> None:
    bring("stone", becalm_stone=PLUGIN, becalm_stone_request=REQUEST, becalm_stone_domain=DOMAIN)
    assert "sample [OPTIONS] [SIDE]" in becalm("stone", "sample", "--help")[1]
    assert becalm("stone", "train", "--steps", 2, "--device", "cpu", "--out", "a.safetensors")[0] == 0
    words = ["--checkpoint", "a.safetensors", "--count", 3, "--steps", 2, "--device", "cpu", "--seed", 1]
    for side in ("left", "right"):
        assert becalm("stone", "sample", side, *words, "--out", f"{side}.npz")[0] == 0
    assert becalm("stone", "sample", *words, "--out", "default.npz")[0] == 0
    left, right, default = ((tmp_path / f"{name}.npz").read_bytes() for name in ("left", "right", "default"))
    assert left == default != right
    code, _, err = becalm("stone", "sample", "middle", *words)
    assert (code, err) == (2, "becalm: SIDE must be 'left' or 'right', got 'middle'\n")
