"""Demonstrations by name or path. Push-T's come from their public source, once, and are kept as a small file."""

import glob
import hashlib
import io
from pathlib import Path

import numpy as np

from becalm.errors import UserError, nearest
from becalm.files.atomic import write_atomic
from becalm.files.fetch import fetch, home
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats import npz, read, zarr
from becalm_policies.formats.parts import check_member
from becalm_policies.formats.tables import USUAL, Selection, Tables

NAMES = ("pusht",)
_ARRAYS = ("state", "action", "episode_ends")
MIRRORS = ("https://diffusion-policy.cs.columbia.edu/data/training/",)
ARCHIVE = "pusht.zip"
DIGEST = "e5f0b2b088fb60d8a8d412c2694e7241283a552e2cf21192ecbc44249189869b"
"""SHA-256 of what counts of Push-T: states and actions as float32, episode ends as int64, one after the other."""


def load(name_or_path: str, selection: Selection = USUAL) -> Episodes:
    """Demonstrations.

    Args:
        name_or_path: ``pusht``, the human demonstrations of Chi et al. 2023, or a file or folder of a known format.
        selection: Which of its arrays and episodes; default: what the format means.

    Raises:
        UserError: If there are none, they are damaged, or what is selected is not there.
    """
    if name_or_path == "pusht":
        return npz.read(push_t(), selection)
    path = Path(name_or_path).expanduser()
    try:
        there = path.exists()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    if not there:
        known = f"known names are {', '.join(NAMES)}{nearest(name_or_path, NAMES)}"
        raise UserError(f"there are no demonstrations {name_or_path!r}: name a file or folder; {known}")
    return read(path, selection)


def stamp(name_or_path: str) -> tuple[tuple[str, int, int], ...]:
    """What demonstrations have only as long as nobody changes them: size and time (ns) of each of their files.

    Of a single file all beside it count that have its stem, as the pictures of a store have.
    """
    path = push_t() if name_or_path == "pusht" else Path(name_or_path).expanduser()
    try:
        files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{glob.escape(path.stem)}.*")
        found = sorted((str(file), file.stat()) for file in files)
    except OSError:
        return ()
    return tuple((file, stat.st_size, stat.st_mtime_ns) for file, stat in found)


def push_t() -> Path:
    """The state file of Push-T's human demonstrations, fetched if it is not there yet.

    Raises:
        UserError: If the source does not answer with the right data, or the folder cannot be written.
    """
    kept = home() / "pusht" / "pusht_state.npz"
    if kept.exists():
        return kept
    archive = kept.with_name(ARCHIVE)
    hint = f"put {kept.name} into {kept.parent}, or name a file of demonstrations by --data"
    fetch(archive, MIRRORS, _is_push_t, hint=hint)
    with zarr.tables(archive) as tables:
        state, action, ends = _arrays(tables)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, state=state, action=action, episode_ends=ends)
    write_atomic(kept, buffer.getvalue())
    archive.unlink()
    return kept


def digest(state: np.ndarray, action: np.ndarray, ends: np.ndarray) -> str:
    """SHA-256 of the arrays' numbers, whatever the file around them."""
    content = hashlib.sha256()
    for array, kind in ((state, "<f4"), (action, "<f4"), (ends, "<i8")):
        content.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return content.hexdigest()


def _is_push_t(path: Path) -> bool:
    """Whether an archive holds the demonstrations: its own checksum is not published, so the content's decides."""
    try:
        with zarr.tables(path) as tables:
            return digest(*_arrays(tables)) == DIGEST
    except UserError:
        return False


def _arrays(tables: Tables) -> list[np.ndarray]:
    """States, actions and episode ends.

    Raises:
        UserError: If one is missing.
    """
    for name in _ARRAYS:
        check_member(tables.path, tables.leaves, name)
    return [tables.read(name, True) for name in _ARRAYS]
