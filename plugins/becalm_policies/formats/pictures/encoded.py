"""LeRobot's pictures: features ``image`` (PNG or JPEG in parquet) and ``video`` (by PyAV, the package ``av``)."""

import io
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.gate import parquet, regular
from becalm.gate.limit import Budget
from becalm.gate.text import read_table
from becalm.plugin.distribution.missing import explain
from becalm_policies.demonstrations.frames import Pixels
from becalm_policies.formats import lerobot
from becalm_policies.formats.parts import parsing
from becalm_policies.formats.pictures.arrays import Part, Wanted, word

_AT_ONCE = 256
_SIDE = 8192
"""Most pixels of an encoded picture's side."""


def from_lerobot(path: Path, wanted: Wanted) -> Iterator[Part]:
    """The pictures of a dataset, one camera after the other."""
    features: Mapping[str, Any] = read_table(path / lerobot.INFO, "file")["features"]
    for name, feature in features.items():
        read = {"image": _encoded, "video": _videos}.get(str(feature.get("dtype")))
        if read is not None and wanted(name):
            yield from ((word(name), part) for part in read(path, name))


def _encoded(path: Path, name: str) -> Iterator[Pixels]:
    """The pictures of a column, in the order of episode and frame, in which LeRobot writes them."""
    before = (-1, -1)
    for file in sorted((path / "data").rglob("*.parquet")):
        regular.inside(path, file)
        columns = ["episode_index", "frame_index", name]
        with parsing(file, "a parquet file"), parquet.opened(file, Budget(file)) as content:
            parquet.check_columns(content, file, columns, Budget(file))
            for batch in content.iter_batches(_AT_ONCE, columns=columns):
                rows = batch.to_pylist()
                for row in rows:
                    now = (row["episode_index"], row["frame_index"])
                    if now <= before:
                        raise UserError(f"{file}: frames must be in order, but {now} follows {before}")
                    before = now
                yield np.stack([_decoded(file, name, row[name]) for row in rows])


def _decoded(path: Path, name: str, value: Any) -> Pixels:
    from PIL import Image

    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes):
        raise UserError(f"{path}: {name} must hold encoded pictures, got {type(content).__name__}")
    picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
    if max(picture.size) > _SIDE:
        raise UserError(f"{path}: {name} must be at most {_SIDE} pixels high and wide, got {picture.size}")
    return np.array(picture.convert("RGB"))


def _videos(path: Path, name: str) -> Iterator[Pixels]:
    """The frames of a camera's videos, one for an episode (v2) or for many (v3), one after the other."""
    try:
        import av
    except ModuleNotFoundError as error:
        raise UserError(explain("av", who=f"{path}: video {name}", extra="videos")) from error
    for file in sorted(file for file in (path / "videos").rglob("*.mp4") if name in file.parts):
        regular.inside(path, file)
        with av.open(str(file)) as container:
            frames = (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
            while some := list(islice(frames, _AT_ONCE)):
                yield np.stack(some)
