"""The pictures of a dataset, whatever its format is."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from becalm.gate import regular
from becalm_policies.formats import hdf5_flat, lerobot, minari
from becalm_policies.formats.parts import parsing
from becalm_policies.formats.pictures.arrays import Part, Wanted, from_hdf5, from_zarr, word
from becalm_policies.formats.pictures.encoded import from_lerobot


def pictures(path: Path, cameras: Sequence[str] = ()) -> Iterator[Part]:
    """The pictures of a dataset, in the order of its steps, some at a time.

    Args:
        cameras: Whose; default: all.

    Raises:
        UserError: If they are damaged, or of a kind that is not read.
    """

    def wanted(name: str) -> bool:
        return not cameras or word(name) in cameras

    with parsing(path, "demonstrations with pictures"):
        if path.is_dir():
            yield from _in_folder(path, wanted)
            return
        with regular.opened(path) as content:
            start = content.read(2)
        yield from from_zarr(path, wanted) if start == b"PK" else from_hdf5(path, wanted)


def _in_folder(path: Path, wanted: Wanted) -> Iterator[Part]:
    if (path / lerobot.INFO).is_file():
        yield from from_lerobot(path, wanted)
        return
    files = [file for file in (path / "data" / minari.MAIN, path / minari.MAIN) if file.is_file()][:1]
    files = files or sorted(path.glob(hdf5_flat.FILES))
    for file in files:
        yield from from_hdf5(file, wanted)
    if not files:
        yield from from_zarr(path, wanted)
