"""An image file is read as a viewer shows it, whatever its mode; what cannot be read is one sentence with its name."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from becalm import UserError
from becalm_images.data.image import Reading, formats, read

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def _saved(folder: Path, image: Image.Image, name: str = "a.png", **how: object) -> Path:
    path = folder / name
    image.save(path, **how)
    return path


def _grey_palette() -> Image.Image:
    image = Image.fromarray(255 - RAMP, "P")
    image.putpalette([level for number in range(256) for level in [255 - number] * 3])
    return image


GREYS: dict[str, Callable[[], Image.Image]] = {
    "L": lambda: Image.fromarray(RAMP),
    "RGB": lambda: Image.fromarray(RAMP).convert("RGB"),
    "palette": _grey_palette,
    "16 bits": lambda: Image.fromarray(RAMP.astype(np.uint16) * 257),
    "opaque LA": lambda: Image.fromarray(RAMP).convert("LA"),
    "opaque RGBA": lambda: Image.fromarray(RAMP).convert("RGBA"),
}


@pytest.mark.parametrize("mode", GREYS)
def test_one_grey_picture_is_the_same_in_every_mode(mode: str, tmp_path: Path) -> None:
    assert np.array_equal(read(_saved(tmp_path, GREYS[mode]()))[0], RAMP)


def test_sixteen_bits_are_scaled_by_their_range_to_the_nearest(tmp_path: Path) -> None:
    values = np.array([[0, 128, 129, 32767, 32896, 65535]], np.uint16)
    assert read(_saved(tmp_path, Image.fromarray(values))).tolist() == [[[0, 0, 1, 127, 128, 255]]]


@pytest.mark.parametrize(("name", "top"), [("a.tiff", 1.0), ("b.tif", 65535)])
def test_floats_and_wide_integers_have_a_stated_range(name: str, top: float, tmp_path: Path) -> None:
    kind = np.float32 if top == 1 else np.int32
    assert read(_saved(tmp_path, Image.fromarray(np.array([[0, top]], kind)), name)).tolist() == [[[0, 255]]]
    with pytest.raises(UserError, match=rf"{name}.*must lie in 0 to {top:g}, got 0 to"):
        read(_saved(tmp_path, Image.fromarray(np.array([[0, 2 * top]], kind)), name))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "16 bits"])
def test_what_is_transparent_shows_the_background(mode: str, tmp_path: Path) -> None:
    how: dict[str, object] = {}
    if mode in ("RGBA", "LA"):
        image = Image.new(mode, (2, 1), (0,) * len(mode))
        image.putpixel((1, 0), (0,) * (len(mode) - 1) + (255,))
    elif mode == "P":
        image, how = Image.fromarray(np.array([[3, 0]], np.uint8), "P"), {"transparency": 3}
        image.putpalette([0] * 768)
    else:
        image, how = Image.fromarray(np.array([[500, 0]], np.uint16)), {"transparency": 500}
    path = _saved(tmp_path, image, **how)
    assert read(path).tolist() == [[[255, 0]]]
    assert read(path, Reading("black")).tolist() == [[[0, 0]]]
    assert read(path, Reading("#ff0080"))[:, 0, 0].tolist() == [255, 0, 128]


def test_half_transparent_is_half_of_both(tmp_path: Path) -> None:
    image = Image.new("RGBA", (1, 1), (200, 0, 0, 51))
    assert read(_saved(tmp_path, image), Reading("#0000ff"))[:, 0, 0].tolist() == [40, 0, 204]


@pytest.mark.parametrize("name", ["a.JPG", "a.webp", "a.Bmp", "a.gif", "a.tiff", "a.ppm"])
def test_other_formats_and_capitals_are_read(name: str, tmp_path: Path) -> None:
    path = _saved(tmp_path, Image.new("RGB", (8, 6), (40, 80, 120)), name)
    assert Path(name).suffix.lower() in formats()
    pixels = read(path)
    assert pixels.shape == (3, 6, 8)
    assert np.abs(pixels[:, 3, 4].astype(int) - [40, 80, 120]).max() < 5


def test_a_cameras_rotation_is_applied(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 255]], np.uint8))
    exif = image.getexif()
    exif[0x0112] = 3
    assert read(_saved(tmp_path, image, exif=exif)).tolist() == [[[255, 0]]]


def test_resize_gives_up_the_ratio_of_sides_and_crop_keeps_it(tmp_path: Path) -> None:
    pixels = np.zeros((20, 40), np.uint8)
    pixels[:, 10:30] = 255  # The middle is white.
    path = _saved(tmp_path, Image.fromarray(pixels))
    assert read(path, Reading(crop=(10, 10))).min() > 200
    assert read(path, Reading(resize=(10, 10))).shape == (1, 10, 10)
    assert read(path, Reading(resize=(10, 10)))[0, 5, 0] < 20


def _bomb(path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def test_what_cannot_be_read_is_one_sentence_with_its_name(tmp_path: Path) -> None:
    whole = _saved(tmp_path, Image.fromarray(RAMP), "whole.png").read_bytes()
    damaged = {
        "empty": b"",
        "text": b"no image",
        "cut": whole[: len(whole) // 2],
        "head": whole[:20],
        "script": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    }
    for name, content in damaged.items():
        (tmp_path / f"{name}.png").write_bytes(content)
    _bomb(tmp_path / "bomb.png")
    (tmp_path / "folder.png").mkdir()
    for name in (*damaged, "bomb", "folder", "missing"):
        with pytest.raises(UserError, match=rf"^[^\n]*{name}\.png[^\n]*$"):
            read(tmp_path / f"{name}.png")
