"""Demonstrations in the formats that people hold, each read from a local path and known by its content."""

from pathlib import Path

from becalm.errors import UserError
from becalm.gate import regular
from becalm.gate.hdf5 import opened
from becalm.gate.zip import archive
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats import lerobot, minari, pusht, robomimic, zarr
from becalm_policies.formats.parts import parsing

KNOWN = "becalm's .npz, Push-T's .npz, Minari, LeRobot (v2, v3), Diffusion Policy's zarr, robomimic"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_PARQUET = b"PAR1"


def read(path: Path) -> Episodes:
    """Reads demonstrations in whichever known format they are.

    Args:
        path: A file or a folder, by format: .npz, .zarr[.zip], .hdf5, or the folder of a Minari or LeRobot dataset.

    Raises:
        UserError: If there is nothing, it cannot be read, is damaged, or of no known format.
    """
    with parsing(path, "demonstrations"):
        if path.is_dir():
            return _read_folder(path)
        if not path.exists():
            raise UserError(f"there is no file or folder {path}")
        with regular.opened(path) as file:
            start = file.read(len(_HDF5))
        if not start:
            raise UserError(f"{path} is empty: it must hold demonstrations ({KNOWN})")
        if start == _HDF5:
            return _read_hdf5(path)
        if start.startswith(b"PK"):
            return _read_zip(path)
        if start.startswith(_PARQUET):
            raise UserError(f"{path} is one file of a LeRobot dataset: name the dataset's folder")
    raise _unknown(path)


def _read_folder(path: Path) -> Episodes:
    if (path / lerobot.INFO).is_file():
        return lerobot.read(path)
    if any((path / folder / name).is_file() for folder in ("data", "") for name in (minari.MAIN, minari.METADATA)):
        return minari.read(path)
    if any((path / mark).exists() for mark in (".zgroup", "zarr.json")) or any(path.glob("*.zarr")):
        return zarr.read(path)
    raise _unknown(path)


def _read_hdf5(path: Path) -> Episodes:
    with opened(path) as file:
        names = list(file)
    if "data" in names:
        return robomimic.read(path)
    if any(name.startswith("episode_") for name in names):
        return minari.read(path)
    there = ", ".join(names[:12]) or "nothing"
    raise UserError(f"{path} must hold data/demo_N (robomimic) or episode_N (Minari), got {there}")


def _read_zip(path: Path) -> Episodes:
    with archive(path, "demonstrations") as held:
        names = held.namelist()
    if any(name.endswith(("/.zarray", "zarr.json")) for name in names):
        return zarr.read(path)
    if "episode_ends.npy" in names:
        return pusht.read(path)
    if any(name.endswith(".npy") for name in names):
        return Episodes.read(path)
    raise _unknown(path)


def _unknown(path: Path) -> UserError:
    return UserError(f"{path} holds demonstrations in no known format; known are {KNOWN}")
