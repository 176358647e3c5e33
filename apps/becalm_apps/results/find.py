"""Where the checkpoint and the inputs of a result are: by their names, and by their digests the right ones."""

import base64
import hashlib
from pathlib import Path

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.provenance import Record, Source


class Places:
    """Folders to look in, in this order.

    Args:
        folders: Them.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = tuple(dict.fromkeys(folders))

    def files(self, name: str) -> list[Path]:
        """The files and folders of that name."""
        return [folder / name for folder in self.folders if (folder / name).exists()]

    def __str__(self) -> str:
        return ", ".join(str(folder) for folder in self.folders)


def checkpoint_of(record: Record, named: str | None, places: Places) -> str | None:
    """The checkpoint of a result, as a name or a path that ``becalm.load`` takes; None where it has none.

    Args:
        named: What the user names instead of the record's.

    Raises:
        UserError: If it is not found, or has another content.
    """
    if record.checkpoint is None:
        if named is not None:
            raise UserError("this result has no checkpoint: leave out --checkpoint")
        return None
    name, digest = record.checkpoint.name, record.checkpoint.digest
    chosen = named or _found(name, digest, places)
    if chosen is None:
        raise UserError(f"checkpoint {name or 'without a name'} is not in {places}: name the file by --checkpoint")
    has = _digest(chosen)
    if has != digest:
        raise UserError(f"checkpoint {chosen} is another one: its digest is {has[:16]}, the result's is {digest[:16]}")
    return chosen


def _found(name: str, digest: str, places: Places) -> str | None:
    if name.endswith(".safetensors"):
        files = [str(file) for file in places.files(name)]
        return next((file for file in files if _digest(file) == digest), files[0] if files else None)
    return name or None


def _digest(name: str) -> str:
    from becalm.model import find

    return Checkpoint.read(find(name)).digest


def inputs_of(record: Record, places: Places, folder: Path) -> dict[str, str]:
    """The files that a result was made from, by option; those that it holds itself are written into a folder.

    Raises:
        UserError: If one is not found, or has another content.
    """
    return {option: str(_input(source, places, folder / option)) for option, source in record.inputs.items()}


def _input(source: Source, places: Places, folder: Path) -> Path:
    # A record is a file's content, which anyone may have written: a name in it leads nowhere else.
    name = Path(source.name).name
    if source.content is not None:
        content = base64.b64decode(source.content)
        if hashlib.sha256(content).hexdigest() != source.digest:
            raise UserError(f"the record's own copy of {name} is damaged: its content does not match its digest")
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        return folder / name
    files = places.files(name)
    for file in files:
        if not source.digest or (file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == source.digest):
            return file
    if files:
        raise UserError(f"{files[0]} has another content than when the result was made: name the folder by --from")
    raise UserError(f"{name} is not in {places}: name its folder by --from")
