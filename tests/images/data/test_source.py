"""Images come from idx files or folders of PNGs; whatever is wrong with them is one sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from becalm import UserError
from becalm_images.data import Labelled, digest, idx, source
from becalm_images.domain import Images

FIXTURE = Path(__file__).parents[2] / "fixtures" / "mnist"


def _png(path: Path, value: int, size: tuple[int, int] = (28, 28), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value, 0, 0)).save(path)


def test_idx_files_are_images_with_a_channel() -> None:
    labelled = source.load(str(FIXTURE), "train")
    assert labelled.images.shape == (500, 1, 28, 28)
    assert labelled.classes == 10


def test_png_folders_are_classes_in_order_of_name(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for number, name in enumerate(("cat", "dog")):
            _png(tmp_path / split / name / "a.png", 10 * number)
    labelled = source.load(str(tmp_path), "train")
    assert labelled.labels.tolist() == [0, 1]
    assert labelled.images[1].max() == 10


def test_a_class_missing_from_the_test_split_keeps_its_number(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        _png(tmp_path / "train" / name / "a.png", 1)
    _png(tmp_path / "test" / "dog" / "a.png", 1)
    assert source.load(str(tmp_path), "test").labels.tolist() == [1]


def test_without_splits_every_tenth_image_is_a_test_image(tmp_path: Path) -> None:
    for number in range(20):
        _png(tmp_path / "all" / f"{number:02}.png", number)
    assert len(source.load(str(tmp_path), "train").images) == 18
    assert source.load(str(tmp_path), "test").images[:, 0, 0, 0].tolist() == [9, 19]


def test_colour_images_have_three_channels_and_set_the_domain(tmp_path: Path) -> None:
    for number in range(10):
        _png(tmp_path / "all" / f"{number}.png", number, (32, 16), "RGB")
    domain = Images(data=str(tmp_path)).fit()
    assert domain.shape() == (3, 16, 32)
    assert domain.classes == 1
    assert next(domain.batches("train", 0)).x0.shape[1:] == (3, 16, 32)


def _broken(tmp_path: Path, kind: str) -> str:
    if kind == "missing":
        return str(tmp_path / "nowhere")
    if kind == "empty":
        return str(tmp_path)
    if kind == "no image":
        (tmp_path / "a.png").write_text("not a picture")
        _png(tmp_path / "b.png", 1)
    if kind == "sizes differ":
        _png(tmp_path / "a.png", 1)
        _png(tmp_path / "b.png", 1, (27, 28))
    if kind == "labels do not fit":
        idx.write(tmp_path / "train-images-idx3-ubyte.gz", np.zeros((3, 28, 28), np.uint8))
        idx.write(tmp_path / "train-labels-idx1-ubyte.gz", np.zeros(2, np.uint8))
    if kind == "cut short":
        idx.write(tmp_path / "train-labels-idx1-ubyte.gz", np.zeros(2, np.uint8))
        whole = (FIXTURE / "train-images-idx3-ubyte.gz").read_bytes()
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(whole[:2000])
    return str(tmp_path)


@pytest.mark.parametrize("kind", ["missing", "empty", "no image", "sizes differ", "labels do not fit", "cut short"])
def test_bad_data_is_one_sentence(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UserError, match=r"^[^\n]{20,}$"):
        Images(data=_broken(tmp_path, kind)).fit()


def test_labels_that_begin_anywhere_are_the_classes_that_occur(tmp_path: Path) -> None:
    for name, labels in (("train", [2, 5, 9]), ("t10k", [9, 2, 2])):
        idx.write(tmp_path / f"{name}-images-idx3-ubyte.gz", np.zeros((3, 8, 8), np.uint8))
        idx.write(tmp_path / f"{name}-labels-idx1-ubyte.gz", np.array(labels, np.uint8))
    train, test = (source.load(str(tmp_path), split) for split in ("train", "test"))
    assert train.names == test.names == ("2", "5", "9")
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 2], [2, 0, 0])


def test_the_digest_sees_every_pixel_label_and_their_order_and_no_name() -> None:
    images, labels = np.arange(32, dtype=np.uint8).reshape(2, 1, 4, 4), np.array([0, 1])
    same = digest(images, labels)
    others = [
        digest(images[::-1], labels),
        digest(images, labels[::-1]),
        digest(images + np.uint8(1), labels),
        digest(images.reshape(2, 1, 2, 8), labels),
    ]
    assert len({same, *others}) == 5
    assert (
        digest(images.copy(order="F"), labels.astype(np.uint8)) == same == Labelled(images, labels, ("a", "b")).digest
    )
