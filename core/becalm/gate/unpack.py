"""Files packed by gzip, bzip2 or xz, unpacked in pieces and no further than is asked for. Imports no torch."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Protocol

_PIECE = 2**20
_WINDOW = 2**28
"""Bytes of memory that unpacking xz may take: a header can ask for 4 GiB."""


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """One member of a gzip file, with the interface of bz2's and lzma's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


# By the first bytes, not by the suffix: a download may have been unpacked on its way.
_KINDS: Mapping[bytes, tuple[str, Callable[[], _Unpacker]]] = {
    b"\x1f\x8b": ("gzip", _Gzip),
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
    b"\xfd7zXZ": ("xz", lambda: lzma.LZMADecompressor(memlimit=_WINDOW)),
}


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """The content in pieces of at most a MiB, unpacked where it is packed.

    Raises:
        ValueError: If it is packed and damaged; the sentence begins with a verb.
        OSError: If it cannot be read.
    """
    first = file.read(_PIECE)
    packed = next((kind for mark, kind in _KINDS.items() if first.startswith(mark)), None)
    if packed is None:
        while first:
            yield first
            first = file.read(_PIECE)
        return
    name, make = packed
    # One behind: of a small file that is cut short nothing is given, so that nobody complains of its content.
    before = b""
    try:
        for piece in _members(file, first, make):
            if before:
                yield before
            before = piece
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"is a damaged {name} file: {error}") from error
    if before:
        yield before


def unpacked(file: BinaryIO, most: int) -> bytes | None:
    """The whole content, None if it is more than so many bytes.

    Raises:
        ValueError: As ``pieces``.
    """
    held = bytearray()
    for piece in pieces(file):
        held += piece
        if len(held) > most:
            return None
    return bytes(held)


def _members(file: BinaryIO, data: bytes, make: Callable[[], _Unpacker]) -> Iterator[bytes]:
    """A packed file may be several, one after the other, with zeros behind them."""
    while data:
        unpacker = make()
        while not unpacker.eof:
            if unpacker.needs_input and not data:
                data = file.read(_PIECE)
                if not data:
                    raise EOFError("it is cut short")
            piece = unpacker.decompress(data, _PIECE)
            data = b""
            if piece:
                yield piece
        data = (unpacker.unused_data or file.read(_PIECE)).lstrip(b"\0")
