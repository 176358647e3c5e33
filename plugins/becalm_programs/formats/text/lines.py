"""The lines of a model file, unpacked as they are read, within limits of size and time."""

import bz2
import gzip
import lzma
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from becalm_programs.formats.text.refusal import RefusedError

_MARK = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_BLOCK = 2**20
# By the first bytes, not by the suffix: a download may have been unpacked on its way.
_PACKED: tuple[tuple[bytes, str, Callable[[Path], BufferedIOBase]], ...] = (
    (b"\x1f\x8b", "gzip", gzip.GzipFile),
    (b"BZh", "bzip2", bz2.BZ2File),
    (b"\xfd7zXZ", "xz", lzma.LZMAFile),
)


@dataclass(frozen=True, slots=True)
class Lines:
    """Pairs of a number, from 1, and a line without its end; may be walked more than once.

    Attributes:
        path: The file, plain or packed by gzip, bzip2 or xz.
        size: How many bytes the unpacked text may have.
        until: When reading must be done, of ``time.monotonic``.
    """

    path: Path
    size: int
    until: float

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """The lines; a byte-order mark is dropped, and a carriage return ends a line, too.

        Raises:
            RefusedError: If the file is empty, damaged, not of single bytes, or longer than it may be.
            TimeoutError: If there is no time left.
        """
        return enumerate(self._lines(), 1)

    def _lines(self) -> Iterator[bytes]:
        """Cuts blocks into lines."""
        begun: list[bytes] = []
        for block in self._blocks():
            first, *others = block.split(b"\n")
            begun.append(first)
            if others:
                yield b"".join(begun)
                yield from others[:-1]
                begun = others[-1:]
        yield b"".join(begun)

    def _blocks(self) -> Iterator[bytes]:
        """The unpacked text with one kind of line's end."""
        mark, carriage = True, b""
        for block in self._raw():
            text = carriage + block
            if mark and text.startswith(_WIDE):
                raise RefusedError("is a UTF-16 file: save it as UTF-8")
            text = text.removeprefix(_MARK) if mark else text
            # What follows a carriage return at a block's end is not known yet.
            carriage = b"\r" if text.endswith(b"\r") else b""
            text = text.removesuffix(b"\r")
            yield text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
            mark = False
        if mark:
            raise RefusedError("is empty")

    def _raw(self) -> Iterator[bytes]:
        kind, source = self._open()
        try:
            with source as file:
                yield from self._limited(file)
        except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
            raise RefusedError(f"is a damaged {kind} file: {error}") from error
        except TimeoutError:
            raise
        except OSError as error:
            if error.errno is not None:
                raise
            raise RefusedError(f"is a damaged {kind} file: {error}") from error  # As bz2 says it.

    def _open(self) -> tuple[str, BufferedIOBase]:
        with self.path.open("rb") as file:
            first = file.read(6)
        for mark, kind, unpack in _PACKED:
            if first.startswith(mark):
                return kind, unpack(self.path)
        return "", self.path.open("rb")

    def _limited(self, file: BufferedIOBase) -> Iterator[bytes]:
        left = self.size
        while block := file.read(_BLOCK):
            if time.monotonic() > self.until:
                raise TimeoutError
            left -= len(block)
            if left < 0:
                raise RefusedError(f"holds more than the {self.size} bytes that may be read")
            yield block
