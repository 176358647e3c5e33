"""``becalm policies store``: demonstrations of any format as becalm's own store, with the pictures of their cameras."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from becalm import provenance
from becalm.errors import UserError
from becalm.files import atomic
from becalm.plugin.report import Progress, counted
from becalm_policies.demonstrations.frames import Frames
from becalm_policies.environments.resize import resize
from becalm_policies.formats.pictures.dataset import pictures
from becalm_policies.formats.source import load
from becalm_policies.options import StoreOptions


def run(options: StoreOptions) -> Iterator[str | Progress]:
    """Writes the store.

    Raises:
        UserError: If the demonstrations cannot be read, their pictures are not as many as their steps, or the store
            cannot be written.
    """
    path = Path(options.out)
    atomic.check(path, (".npz",))
    episodes = load(options.data)
    with TemporaryDirectory(dir=path.parent, prefix=atomic.temporary_prefix(path.stem)) as folder:
        cameras: dict[str, Frames] = {}
        for report in _gathered(options, Path(folder), len(episodes.actions)):
            if isinstance(report, Progress):
                yield report
            else:
                cameras = report
        spec = {name: value for name, value in episodes.spec.items() if name != "left_out"}
        whole = replace(episodes, spec=spec, cameras=cameras) if cameras else episodes
        whole.write(path, provenance.record("policies store", options))
    seen = [f"{name} of {frames.size[0]} x {frames.size[1]}" for name, frames in cameras.items()] or ["no pictures"]
    yield f"{path}: {', '.join([counted(len(episodes), 'episode'), counted(len(episodes.actions), 'step'), *seen])}"


def _gathered(options: StoreOptions, folder: Path, steps: int) -> Iterator[Progress | dict[str, Frames]]:
    """All pictures into files of the folder, one camera's after the other; at last what they are."""
    source, pixels = Path(options.data).expanduser(), options.pixels
    shapes: dict[str, tuple[int, ...]] = {}
    counts: dict[str, int] = {}
    files: dict[str, Any] = {}
    with ExitStack() as stack:
        for name, part in pictures(source, options.cameras) if source.exists() else ():
            if pixels is not None:
                part = np.stack([resize(picture, (pixels, pixels)) for picture in part])
            shape = shapes.setdefault(name, part.shape[1:])
            if part.shape[1:] != shape:
                sizes = f"{shape[:2]} and {part.shape[1:3]}"
                raise UserError(f"{source}: the pictures of {name} must be of one height and width, got {sizes}")
            if name not in files:
                files[name] = stack.enter_context((folder / name).open("wb"))
            files[name].write(np.ascontiguousarray(part).tobytes())
            counts[name] = counts.get(name, 0) + len(part)
            yield Progress(min(counts[name], steps), steps, f"pictures of {name}")
    for name in options.cameras:
        if name not in counts:
            raise UserError(f"{source} must hold pictures of camera {name}, got {', '.join(counts) or 'none'}")
    for name, count in counts.items():
        if count != steps:
            raise UserError(f"{source} must hold a picture of {name} for each of {steps} steps, got {count}")
    mapped = {name: np.memmap(folder / name, np.uint8, "r", 0, (steps, *shape)) for name, shape in shapes.items()}
    yield {name: Frames.of(each) for name, each in mapped.items()}
