"""Demonstrations in the formats that people hold, each read from a local path and known by its content."""

from pathlib import Path

from becalm.errors import UserError
from becalm.gate import regular
from becalm.gate.hdf5 import opened
from becalm.gate.zip import archive
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats import hdf5_flat, lerobot, minari, npz, robomimic, stored, zarr
from becalm_policies.formats.parts import numbered, parsing
from becalm_policies.formats.tables import USUAL, Selection

KNOWN = "becalm's .npz, a plain .npz, Minari, LeRobot (v2, v3), Diffusion Policy's zarr, robomimic, D4RL, ALOHA"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_PARQUET = b"PAR1"


def read(path: Path, selection: Selection = USUAL) -> Episodes:
    """Reads demonstrations in whichever known format they are.

    Args:
        path: A file or a folder, by format: .npz, .zarr[.zip], .hdf5, the folder of a Minari or LeRobot dataset, or one
            of ALOHA's episodes.
        selection: Which of its arrays and episodes; default: what the format means.

    Raises:
        UserError: If there is nothing, it cannot be read, is damaged, of no known format, or what is selected is not
            there.
    """
    with parsing(path, "demonstrations"):
        if path.is_dir():
            return _read_folder(path, selection)
        if not path.exists():
            raise UserError(f"there is no file or folder {path}")
        with regular.opened(path) as file:
            start = file.read(len(_HDF5))
        if not start:
            raise UserError(f"{path} is empty: it must hold demonstrations ({KNOWN})")
        if start == _HDF5:
            return _read_hdf5(path, selection)
        if start.startswith(b"PK"):
            return _read_zip(path, selection)
        if start.startswith(_PARQUET):
            raise UserError(f"{path} is one file of a LeRobot dataset: name the dataset's folder")
    raise _unknown(path)


def _read_folder(path: Path, selection: Selection) -> Episodes:
    if (path / lerobot.INFO).is_file():
        return lerobot.read(path, selection)
    if any((path / folder / name).is_file() for folder in ("data", "") for name in (minari.MAIN, minari.METADATA)):
        return minari.read(path, selection)
    if any((path / mark).exists() for mark in (".zgroup", "zarr.json")) or any(path.glob("*.zarr")):
        return zarr.read(path, selection)
    if any(path.glob(hdf5_flat.FILES)):
        return hdf5_flat.read_folder(path, selection)
    raise _unknown(path)


def _read_hdf5(path: Path, selection: Selection) -> Episodes:
    with opened(path) as file:
        names = list(file)
    if "data" in names:
        return robomimic.read(path, selection)
    if numbered(names, "episode_"):
        return minari.read(path, selection)
    if not (selection.action or {"action", "actions"} & set(names)):
        there = ", ".join(names[:12]) or "nothing"
        known = "data/demo_N (robomimic), episode_N (Minari), or observations and actions (D4RL, ALOHA)"
        raise UserError(f"{path} must hold {known}, got {there}")
    return hdf5_flat.read(path, selection)


def _read_zip(path: Path, selection: Selection) -> Episodes:
    with archive(path, "demonstrations") as held:
        names = held.namelist()
    if any(name.endswith(("/.zarray", "zarr.json")) for name in names):
        return zarr.read(path, selection)
    if set(names) >= stored.MARKS:
        return stored.read(path, selection)
    if any(name.endswith(".npy") for name in names):
        return npz.read(path, selection)
    raise _unknown(path)


def _unknown(path: Path) -> UserError:
    return UserError(f"{path} holds demonstrations in no known format; known are {KNOWN}")
