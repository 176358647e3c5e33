"""PNG: a text chunk with the keyword ``becalm`` after the header (PNG 1.2, section 4.2.3.1). Pixels are not touched."""

import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEY = b"becalm\0"


def get(content: bytes) -> str | None:
    """The text, or None."""
    for kind, start, end in _chunks(content):
        if kind == b"tEXt" and content[start:end].startswith(_KEY):
            return content[start + len(_KEY) : end].decode("ascii", "replace")
    return None


def put(content: bytes, text: str) -> bytes:
    """The file with the text in place of one that it has."""
    plain = _SIGNATURE
    for kind, start, end in _chunks(content):
        if not (kind == b"tEXt" and content[start:end].startswith(_KEY)):
            plain += content[start - 8 : end + 4]
        if kind == b"IHDR":
            plain += _chunk(b"tEXt", _KEY + text.encode("ascii"))
    return plain


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each chunk, and where its data begin and end."""
    if not content.startswith(_SIGNATURE):
        raise ValueError("this is no PNG")
    place = len(_SIGNATURE)
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        yield content[place + 4 : place + 8], place + 8, end
        place = end + 4


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
