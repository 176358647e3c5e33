"""Files from public mirrors: checked, resumable, never half-written."""

import hashlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from becalm.errors import UserError
from becalm.files.lock import hold

Check = Callable[[Path], bool]
_PIECE = 1 << 16
_SECONDS = 20


def home() -> Path:
    """Where downloaded data live: $BECALM_DATA, else the user's cache folder."""
    if place := os.environ.get("BECALM_DATA"):
        return Path(place)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "becalm"


def md5(digest: str) -> Check:
    """Whether a file has that MD5, in hexadecimal: for mirrors that publish no better one."""
    return lambda path: hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == digest


def fetch(target: Path, mirrors: tuple[str, ...], check: Check, *, hint: str) -> None:
    """Downloads one file, going on from where an earlier try stopped; it takes its name only if it passes the check.

    Args:
        target: Where it goes; a file there that passes the check is kept.
        mirrors: Addresses that the file's name is put after, in order of trial.
        check: Whether the file at a path is the right one.
        hint: What the user can do if no mirror has it, for the end of the sentence.

    Raises:
        UserError: If no mirror has it, the place cannot be written, or another process is downloading it.
    """
    if target.exists() and check(target):
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror or error}") from error
    with hold(target, "the download of"):  # Two would write into one part.
        _fetch(target, mirrors, check, hint)


def _fetch(target: Path, mirrors: tuple[str, ...], check: Check, hint: str) -> None:
    name = target.name
    part = target.with_name(f"{name}.part")
    reasons: list[str] = []
    for mirror in mirrors:
        try:
            _download(f"{mirror}{name}", part, _bar(name))
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reasons.append(f"{mirror}: {getattr(error, 'reason', error)}")
            continue
        except OSError as error:
            raise UserError(f"cannot write {part}: {error.strerror or error}") from error
        if check(part):
            part.replace(target)
            return
        part.unlink()
        reasons.append(f"{mirror}: wrong checksum")
    raise UserError(f"{name} could not be downloaded ({'; '.join(reasons)}): {hint}")


def _download(address: str, part: Path, show: Callable[[int, int], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    # The addresses are our plugins' own, never a user's, so no other scheme can come in.
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
