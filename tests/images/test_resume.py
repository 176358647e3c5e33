"""A training of images goes on only with the images and classes that it began with."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from becalm import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.objective import Denoising
from becalm.schedule import Cosine
from becalm.train import Training, begin
from becalm.train.resume import resume, resume_path, save
from becalm_images.domain import Images

CPU = torch.device("cpu")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    for number, name in enumerate(("disc", "square")):
        for place in range(3):
            path = tmp_path / "shapes" / name / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((8, 8), 40 * number + place, np.uint8)).save(path)
    domain = Images(data=str(tmp_path / "shapes"), architecture="unet-tiny", batch=2, holdout=0).fit()
    state = begin(domain, Cosine(), Denoising(), Training(steps=1, precision="fp32"), CPU)
    save(state, tmp_path / "a.safetensors")
    return tmp_path


def test_the_same_images_go_on_wherever_files_were_touched(saved: Path) -> None:
    for path in (saved / "shapes").rglob("*.png"):
        Image.open(path).convert("RGB").save(path)
    assert resume(saved / "a.safetensors", CPU).domain.names == ("disc", "square")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("class gone", "classes disc, square then, square now; content .*; images 6 then, 3 now"),
        ("class renamed", "classes disc, square then, cube, disc now; content "),
        ("pixel", r"began with: content [0-9a-f]{8} then, [0-9a-f]{8} now\."),
        ("size", "size 1 x 8 x 8 then, 1 x 9 x 9 now"),
        ("folder gone", "there is no folder"),
    ],
)
def test_other_data_are_refused_with_what_changed(change: str, says: str, saved: Path) -> None:
    shapes = saved / "shapes"
    if change == "class gone":
        for path in (shapes / "disc").iterdir():
            path.unlink()
    elif change == "class renamed":
        (shapes / "square").rename(shapes / "cube")
    elif change == "pixel":
        Image.fromarray(np.full((8, 8), 99, np.uint8)).save(shapes / "disc" / "0.png")
    elif change == "size":
        for path in shapes.rglob("*.png"):
            Image.new("L", (9, 9)).save(path)
    else:
        shapes.rename(saved / "elsewhere")
    with pytest.raises(UserError, match=rf"^[^\n]*{says}[^\n]*$"):
        resume(saved / "a.safetensors", CPU)


def test_a_training_from_before_data_had_a_fingerprint_goes_on(saved: Path) -> None:
    place = resume_path(saved / "a.safetensors")
    stored = Checkpoint.read(place)
    Checkpoint(stored.tensors, {name: part for name, part in stored.config.items() if name != "data"}).write(place)
    Image.new("L", (8, 8)).save(saved / "shapes" / "disc" / "0.png")
    assert resume(saved / "a.safetensors", CPU).step == 0
