"""MP4: a box ``uuid`` of our own at the end (ISO/IEC 14496-12, section 11.1), which players pass over."""

import uuid
from collections.abc import Iterator

_KEY = uuid.uuid5(uuid.NAMESPACE_DNS, "becalm").bytes


def get(content: bytes) -> str | None:
    """The text, or None."""
    for kind, start, end in _boxes(content):
        if kind == b"uuid" and content[start : start + 16] == _KEY:
            return content[start + 16 : end].decode("ascii", "replace")
    return None


def put(content: bytes, text: str) -> bytes:
    """The file with the text in place of one that it has; what lies before it does not move."""
    kept = content
    for kind, start, end in _boxes(content):
        if kind == b"uuid" and content[start : start + 16] == _KEY:
            kept = content[: start - 8] + content[end:]
    data = _KEY + text.encode("ascii")
    return kept + (8 + len(data)).to_bytes(4, "big") + b"uuid" + data


def _boxes(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each outer box, and where its data begin and end."""
    if content[4:8] != b"ftyp":
        raise ValueError("this is no MP4")
    place = 0
    while place + 8 <= len(content):
        size, head = int.from_bytes(content[place : place + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(content[place + 8 : place + 16], "big"), 16
        end = place + size if size else len(content)
        if size and size < head:
            raise ValueError("this MP4 is damaged")
        yield content[place + 4 : place + 8], place + head, end
        place = end
