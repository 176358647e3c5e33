"""The lines of a model file, unpacked as they are read, within limits of size and time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from becalm.errors import UserError
from becalm.gate.regular import opened
from becalm.gate.unpack import pieces
from becalm_programs.formats.text.refusal import RefusedError

_MARK = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_LONGEST = 2**24
"""Bytes of a line."""


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
            if sum(map(len, begun)) > _LONGEST:
                raise RefusedError(f"has a line of more than {_LONGEST} bytes")
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
        left = self.size
        with opened(self.path) as file:
            try:
                for block in pieces(file):
                    if time.monotonic() > self.until:
                        raise TimeoutError
                    left -= len(block)
                    if left < 0:
                        raise RefusedError(f"holds more than the {self.size} bytes that may be read")
                    yield block
            except UserError:
                raise
            except ValueError as error:
                raise RefusedError(str(error)) from error
