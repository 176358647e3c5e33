"""What is seen of a training on its way: it keeps to its share of the time, and says where the training stands."""

import io
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from becalm import UserError
from becalm.objective import Denoising
from becalm.schedule import Cosine
from becalm.train import Training, begin, train
from becalm_apps.verbs.session.caption import caption
from becalm_apps.verbs.session.look import Looks
from becalm_apps.verbs.session.ration import Ration


@given(st.integers(0, 2**32))
def test_a_ration_is_never_exceeded_whatever_its_pieces_cost(seed: int) -> None:
    random = Random(seed)
    ration, seconds = Ration(0.02), 0.0
    for _ in range(50):
        seconds += random.expovariate(1 / random.choice([1, 100]))
        if ration.allows(seconds):
            cost, limit = random.expovariate(0.1), ration.left(seconds)
            # One that turns out too dear is left at once.
            ration.spend(min(cost, limit), cost)
        assert ration.spent <= 0.02 * seconds


def test_as_many_are_made_as_the_share_pays_for() -> None:
    ration, made = Ration(0.02), 0
    for second in range(1, 10_001):
        if ration.allows(second):
            ration.spend(2.0, 2.0)
            made += 1
    assert made == 100 - 1  # One is kept for the end.


def test_a_caption_stands_below_a_picture_and_spares_one_that_is_too_narrow() -> None:
    def picture(width: int) -> bytes:
        buffer = io.BytesIO()
        Image.new("L", (width, 40), 200).save(buffer, "PNG")
        return buffer.getvalue()

    below = Image.open(io.BytesIO(caption(picture(300), "step 500, held-out loss 0.0712")))
    assert below.width == 300 and below.height > 40
    assert below.getpixel((150, 20)) == (200, 200, 200)
    assert len(below.crop((0, 40, 300, below.height)).getcolors(256) or []) > 1
    assert caption(picture(32), "step 500") == picture(32)


@pytest.fixture
def looks(plugins: list[str], tmp_path: Path) -> Any:
    """Makes the looks of a training that has come to step 200 and has had an hour; its domain measures as told."""
    from becalm_toy.domain import Toy

    def make(figures: dict[str, float] | Exception, seconds: float = 3600.0, stopped: int = 0) -> Looks:
        class Followed(Toy):
            followed: ClassVar[dict[str, int]] = {"distance": 8}

            def metrics(self, x0: Any, cond: Any) -> dict[str, float]:
                if isinstance(figures, Exception):
                    raise figures
                return figures

        training = Training(steps=200, precision="fp32")
        state = begin(Followed(), Cosine(), Denoising(), training, torch.device("cpu"))
        next(train(state))
        seen = Looks(state, tmp_path / "a.png", 4, lambda: stopped)
        state.step, state.seconds = 200, seconds
        return seen

    return make


def test_a_figure_is_followed_beside_that_of_real_data(looks: Any) -> None:
    seen = looks({"distance": 0.25, "distance_floor": 0.125, "other": 3.0})
    assert looks({"distance": 0.25, "distance_floor": 0.125}, seconds=1e-9).look().keys() == {"held_out"}
    figures = seen.look()
    assert figures.keys() == {"held_out", "distance", "distance_floor"}
    assert str(seen) == f"held out {figures['held_out']:.4f}, distance 0.25 (real data 0.125)"


@pytest.mark.parametrize(
    "figures", [UserError("the judge is of other data"), {"distance": 0.25}], ids=["no judge", "no floor"]
)
def test_a_figure_without_its_like_of_real_data_is_left_out(figures: Any, looks: Any) -> None:
    seen = looks(figures)
    assert seen.look().keys() == seen.look().keys() == {"held_out"}


def test_a_look_never_delays_a_stop(looks: Any) -> None:
    seen = looks({"distance": 0.25, "distance_floor": 0.125}, stopped=130)
    assert seen.look().keys() == {"held_out"} and not seen.draw()
