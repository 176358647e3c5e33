"""A folder of images: its splits, its classes and their names, what is passed over, and what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from becalm import UserError
from becalm_images.data import load, load_all
from becalm_images.domain import Images


def _put(folder: Path, *names: str, size: tuple[int, int] = (8, 8), mode: str = "L") -> None:
    """An image of its own at each path: its grey level is its place in the list."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, size, number if len(mode) == 1 else (number, 0, 0, 255)[: len(mode)]).save(path)


def _levels(folder: Path, split: str = "train", **how: float) -> list[int]:
    return load(str(folder), split, **how).images[:, 0, 0, 0].tolist()  # type: ignore[arg-type]


def test_classes_and_images_stand_in_natural_order(tmp_path: Path) -> None:
    _put(tmp_path, "2/1.png", "10/10.png", "10/9.png", "B/a.png", "a/A.png")
    train = load_all(str(tmp_path), holdout=0).train
    assert train.names == ("2", "10", "a", "B")
    assert train.images[:, 0, 0, 0].tolist() == [0, 2, 1, 4, 3]
    assert train.labels.tolist() == [0, 1, 1, 2, 3]


def test_a_class_is_a_path_below_what_all_share(tmp_path: Path) -> None:
    _put(tmp_path, "set/wild/cat/a.png", "set/tame/cat/a.png", "set/tame/a.png")
    assert load(str(tmp_path), "train").names == ("tame", "tame/cat", "wild/cat")


def test_hidden_files_and_folders_are_no_images_and_other_files_are_named(tmp_path: Path) -> None:
    _put(
        tmp_path,
        "cat/a.png",
        "cat/.ipynb_checkpoints/b.png",
        ".git/c.png",
        "dog/a.PNG",
        "dog/._a.png",
        "__MACOSX/d.png",
    )
    (tmp_path / "notes.txt").write_text("")
    os.mkfifo(tmp_path / "dog" / "pipe.png")
    (tmp_path / "cat" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "dog" / "loop").symlink_to(tmp_path)
    data = load_all(str(tmp_path), holdout=0)
    assert data.summary() == (
        "2 images, 8 x 8, 1 channel, classes cat, dog; none of them for test; "
        "3 files not read: cat/gone.png, dog/pipe.png, notes.txt"
    )


@pytest.mark.parametrize("name", ["test", "Test", "val", "validation"])
def test_a_folder_says_what_it_is_tested_on(name: str, tmp_path: Path) -> None:
    _put(tmp_path, "train/cat/a.png", "train/dog/a.png", f"{name}/dog/a.png")
    assert load(str(tmp_path), "test").labels.tolist() == [1]
    assert len(load(str(tmp_path), "train").images) == 2


def test_what_is_neither_trained_nor_tested_on_is_said(tmp_path: Path) -> None:
    _put(tmp_path, "train/a.png", "test/a.png", "val/a.png", "b.png")
    assert (
        load_all(str(tmp_path))
        .summary()
        .endswith("class image; 1 of them for test; 2 files not read: b.png, val/a.png")
    )


@pytest.mark.parametrize(("share", "kept"), [(None, [9, 19]), (0.1, [9, 19]), (0.25, [3, 7, 11, 15, 19]), (0, [])])
def test_a_share_of_the_images_is_held_out_evenly(share: float | None, kept: list[int], tmp_path: Path) -> None:
    _put(tmp_path, *(f"{number}.png" for number in range(20)))
    data = load_all(str(tmp_path), holdout=share)
    assert (data.test.images[:, 0, 0, 0].tolist() if data.test else []) == kept
    assert sorted([*data.train.images[:, 0, 0, 0].tolist(), *kept]) == list(range(20))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_class_of_few_images_is_trained_on(share: float, tmp_path: Path) -> None:
    _put(tmp_path, *(f"a/{number}.png" for number in range(9)), "b/0.png", "c/0.png", "c/1.png")
    data = load_all(str(tmp_path), holdout=share)
    assert set(data.train.labels.tolist()) == {0, 1, 2}
    assert data.test is None or set(data.test.labels.tolist()) <= {0, 1, 2}


def test_of_a_split_to_train_on_nothing_is_held_out_unasked(tmp_path: Path) -> None:
    _put(tmp_path, *(f"train/{number}.png" for number in range(10)))
    assert len(_levels(tmp_path)) == 10
    assert _levels(tmp_path, "test", holdout=0.5) == [1, 3, 5, 7, 9]
    with pytest.raises(UserError, match=r"no images for the test split.*--holdout"):
        load(str(tmp_path), "test")


def test_channels_are_those_that_the_folder_needs(tmp_path: Path) -> None:
    _put(tmp_path, "train/a/a.png", "train/a/b.png", mode="RGB")
    _put(tmp_path, "train/b/a.png", "test/b/a.png")
    train, test = (load(str(tmp_path), split) for split in ("train", "test"))
    assert train.images.shape == (3, 3, 8, 8)
    assert test.images.shape == (1, 3, 8, 8)


def test_a_change_of_the_folder_is_seen(tmp_path: Path) -> None:
    _put(tmp_path, "a/a.png", "b/a.png")
    before = load(str(tmp_path), "train")
    assert load(str(tmp_path), "train") is before
    (tmp_path / "b/a.png").unlink()
    assert load(str(tmp_path), "train").names == ("a",)


def _refused(kind: str, folder: Path) -> None:
    if kind == "sizes":
        _put(folder, "a.png")
        _put(folder, "b.png", size=(5, 9))
    elif kind == "loose":
        _put(folder, "a.png", "cat/a.png")
    elif kind == "no train":
        _put(folder, "test/a.png", "cat/a.png")
    elif kind == "train a class":
        _put(folder, "train/a.png", "car/a.png")
    elif kind == "new class":
        _put(folder, "train/cat/a.png", "test/dog/a.png")
    else:
        _put(folder, "train/cat/a.png", "test/cat/a.png")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("sizes", r"a\.png is 8 x 8.*b\.png is 9 x 5.*--resize 5.*--crop 5"),
        ("loose", "some images stand in no class folder, beside the folders cat"),
        ("no train", r"has test/ but no images in train/"),
        ("train a class", r"has train/ beside car: rename it if it is a class"),
        ("new class", r"the class of .*test/dog/a\.png is not among the training classes cat"),
        ("holdout", r"has a test split of its own: leave out --holdout 0\.5"),
    ],
)
def test_what_is_ambiguous_or_wrong_is_one_sentence(kind: str, says: str, tmp_path: Path) -> None:
    _refused(kind, tmp_path)
    with pytest.raises(UserError, match=rf"^[^\n]*{says}[^\n]*$"):
        load_all(str(tmp_path), holdout=0.5 if kind == "holdout" else None)


def test_sizes_are_made_one_by_resize_or_crop(tmp_path: Path) -> None:
    _put(tmp_path, "a.png")
    _put(tmp_path, "b.png", size=(5, 9))
    for fields in ({"resize": 6}, {"crop": "6"}, {"resize": "6x6"}, {"crop": (6, 6)}):
        domain = Images(data=str(tmp_path), **fields).fit()
        assert domain.shape() == (1, 6, 6)
        assert Images.model_validate(domain.model_dump(mode="json")) == domain
    assert Images(data=str(tmp_path), resize="4x7").fit().shape() == (1, 4, 7)


@pytest.mark.parametrize(
    "fields",
    [
        {"resize": "0"},
        {"resize": "4x5x6"},
        {"crop": "big"},
        {"resize": -3},
        {"background": "whyte"},
        {"resize": 4, "crop": 4},
    ],
)
def test_wrong_settings_of_reading_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="must be a size|must be a colour|exclude each other"):
        Images.model_validate(fields)


MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "F")
SUFFIXES = (".png", ".PNG", ".jpg", ".webp", ".tiff", ".gif", ".txt", "")
PARTS = st.sampled_from(["cat", "dog", "2", "10", "train", "test", "val", ".hidden", "ünï cödé", "a,b"])
FILE = st.tuples(
    st.lists(PARTS, max_size=3),
    st.integers(0, 11),
    st.sampled_from(SUFFIXES),
    st.sampled_from(MODES),
    st.sampled_from([(8, 8)] * 8 + [(1, 1), (9, 5)]),
    st.one_of(st.none(), st.none(), st.none(), st.none(), st.integers(0, 400)),
)
OPTIONS = st.fixed_dictionaries(
    {}, optional={"resize": st.integers(1, 9), "holdout": st.sampled_from([0, 0.3, 0.9]), "background": st.just("#123")}
)


def _any_folder(folder: Path, files: list[tuple[list[str], int, str, str, tuple[int, int], int | None]]) -> None:
    for parts, number, suffix, mode, size, cut in files:
        path = Path(folder, *parts, f"i{number}{suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            Image.new(mode, size).save(path, format=None if suffix not in (".txt", "") else "PNG")
        except (OSError, ValueError):  # This format does not have that mode.
            Image.new("L", size).save(path, format="PNG")
        if cut is not None:
            content = bytearray(path.read_bytes())
            content[cut % len(content)] ^= 0x55
            path.write_bytes(content[: max(cut, 0)] if cut % 2 else content)


def _result_or_sentence(folder: Path, files: list, options: dict[str, object]) -> None:  # type: ignore[type-arg]
    _any_folder(folder, files)
    try:
        domain = Images(data=str(folder), **options).fit()
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) > 20
        return
    train = domain.labelled("train")
    assert train.images.dtype == np.uint8 and len(train.images) == len(train.labels) > 0
    assert train.images.shape[1:] == domain.shape()
    assert set(train.labels.tolist()) == set(range(domain.classes))  # Whatever can be asked for was trained.
    assert len(set(domain.names)) == domain.classes == len(domain.class_names)
    assert f"{domain.height} x {domain.width}" in domain.summary()
    assert [domain.number(name) for name in domain.names] == list(range(domain.classes))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=st.lists(FILE, max_size=8), options=OPTIONS)
def test_any_folder_is_a_result_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory,
    files: list,
    options: dict[str, object],  # type: ignore[type-arg]
) -> None:
    _result_or_sentence(tmp_path_factory.mktemp("any"), files, options)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=st.lists(FILE, max_size=14), options=OPTIONS)
def test_a_thousand_folders_are_results_or_sentences(
    tmp_path_factory: pytest.TempPathFactory,
    files: list,
    options: dict[str, object],  # type: ignore[type-arg]
) -> None:
    _result_or_sentence(tmp_path_factory.mktemp("any"), files, options)
