"""MNIST from its public mirrors: checksummed, resumable, never half-written."""

import hashlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from becalm.errors import UserError

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FILES = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
_PIECE = 1 << 16
_SECONDS = 20


def home() -> Path:
    """Where downloaded data live: $BECALM_DATA, else the user's cache folder."""
    if place := os.environ.get("BECALM_DATA"):
        return Path(place)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "becalm"


def mnist(mirrors: tuple[str, ...] = MIRRORS) -> Path:
    """The folder with the four MNIST files, fetched if they are not there yet.

    Raises:
        UserError: If no mirror answers with the right files, or the folder cannot be written.
    """
    folder = home() / "mnist"
    for name, digest in FILES.items():
        fetch(name, digest, folder / name, mirrors)
    return folder


def fetch(name: str, digest: str, target: Path, mirrors: tuple[str, ...]) -> None:
    """Downloads one file, going on from where an earlier try stopped; it takes its name only when its MD5 is right.

    Raises:
        UserError: If no mirror has it, or the place cannot be written.
    """
    if target.exists() and _md5(target) == digest:
        return
    part = target.with_name(f"{target.name}.part")
    reasons: list[str] = []
    for mirror in mirrors:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _download(f"{mirror}{name}", part, _bar(name))
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reasons.append(f"{mirror}: {getattr(error, 'reason', error)}")
            continue
        except OSError as error:
            raise UserError(f"cannot write {part}: {error.strerror or error}") from error
        if _md5(part) == digest:
            part.replace(target)
            return
        part.unlink()
        reasons.append(f"{mirror}: wrong checksum")
    raise UserError(f"{name} could not be downloaded ({'; '.join(reasons)}): name a folder that holds it by --data DIR")


def _download(address: str, part: Path, show: Callable[[int, int], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    # The addresses are this module's own, never a user's, so no other scheme can come in.
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    try:
        answer = urllib.request.urlopen(request, timeout=_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == 416:  # Nothing beyond what is there: the part is whole, its checksum decides.
            return
        raise
    with answer, part.open("ab" if answer.status == 206 else "wb") as file:
        done = file.tell()
        total = done + int(answer.headers.get("Content-Length") or 0)
        while piece := answer.read(_PIECE):
            file.write(piece)
            done += len(piece)
            show(done, total)
    if done < total:
        raise ConnectionError(f"stopped after {done} of {total} bytes")


def _bar(name: str) -> Callable[[int, int], None]:
    """A line on stderr that counts; silent unless a person is looking."""
    if not sys.stderr.isatty():
        return lambda done, total: None

    def show(done: int, total: int) -> None:
        share = f"{100 * done // total:3d} %" if total else f"{done >> 10} KiB"
        end = "\n" if total and done >= total else ""
        sys.stderr.write(f"\r{name}  {share}{end}")
        sys.stderr.flush()

    return show


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
